/** The role of this process. Each role reads its own settings and ignores the others. */
const ROLES = ['proxy', 'hub', 'injector', 'simulator', 'demo', 'shutdown'] as const;
export type Role = (typeof ROLES)[number];

export const PROXY: readonly Role[] = ['proxy'];
export const PROXIES: readonly Role[] = ['proxy', 'demo'];
export const HUB: readonly Role[] = ['hub'];
export const INJECTOR: readonly Role[] = ['injector'];
export const SIMULATORS: readonly Role[] = ['simulator', 'demo'];
/** Roles that fetch tokens, or get them from a hub. */
export const TOKEN_ROLES: readonly Role[] = ['proxy', 'hub'];
/** The simulator knows the given accounts in addition to its own. */
export const ACCOUNT_ROLES: readonly Role[] = ['proxy', 'hub', 'simulator'];
export const CALLING_ROLES: readonly Role[] = ['proxy', 'hub', 'demo'];
export const TLS_ROLES: readonly Role[] = ['hub', 'injector'];
export const SERVERS: readonly Role[] = ['proxy', 'hub', 'injector', 'simulator', 'demo'];
/** All roles with an admin port, and `shutdown`, which calls it. */
export const ADMIN_ROLES: readonly Role[] = [...SERVERS, 'shutdown'];
