/** What this process is; each role takes the settings of its own and leaves the others unread. */
const ROLES = ['proxy', 'hub', 'injector', 'simulator', 'demo', 'shutdown'] as const;
export type Role = (typeof ROLES)[number];

export const PROXY: readonly Role[] = ['proxy'];
export const PROXIES: readonly Role[] = ['proxy', 'demo'];
export const HUB: readonly Role[] = ['hub'];
export const INJECTOR: readonly Role[] = ['injector'];
export const SIMULATORS: readonly Role[] = ['simulator', 'demo'];
/** They fetch tokens, or take them from a hub. */
export const TOKEN_ROLES: readonly Role[] = ['proxy', 'hub'];
/** The simulator knows the accounts that it is given, beside its own. */
export const ACCOUNT_ROLES: readonly Role[] = ['proxy', 'hub', 'simulator'];
export const CALLING_ROLES: readonly Role[] = ['proxy', 'hub', 'demo'];
export const TLS_ROLES: readonly Role[] = ['hub', 'injector'];
export const SERVERS: readonly Role[] = ['proxy', 'hub', 'injector', 'simulator', 'demo'];
/** All that have an admin port, and who finds it. */
export const ADMIN_ROLES: readonly Role[] = [...SERVERS, 'shutdown'];
