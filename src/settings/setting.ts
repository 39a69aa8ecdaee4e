import type { Form } from './forms.ts';
import type { Role } from './settings.ts';

/**
 * One thing that can be set. From these rows come the reading of the file and the environment, the
 * words of `--help`, and the table in the README.
 */
export interface Setting<T = unknown> {
  /** Its place in the file: `replay.bodyLimit`; `[]` marks an item of a list. */
  readonly key: string;
  readonly env?: string;
  /** As text, read by the same form. */
  readonly default?: string;
  /** What is shown where no constant is the default. */
  readonly defaultNote?: { readonly en: string; readonly zh: string };
  readonly form: Form<T>;
  /** A list of at most this many; in the environment its items stand between commas. */
  readonly itemsMax?: number;
  /** An empty list is a mistake, and not as good as none. */
  readonly neverEmpty?: true;
  /** Its text is shown nowhere, only how long it is. */
  readonly secret?: true;
  /** It names a file: one that holds a secret, which only we should be able to read, or one that does not. */
  readonly file?: 'secret' | 'public';
  readonly roles: readonly Role[];
  /** A change takes effect without a restart. */
  readonly live: boolean;
  readonly meaning: string;
  readonly meaningZh: string;
}

/** The listen addresses where none is set. */
export const LISTEN_DEFAULTS: Readonly<Record<Role, string>> = {
  proxy: 'localhost:3880',
  demo: 'localhost:3880',
  hub: '0.0.0.0:3882',
  injector: '0.0.0.0:3883',
  simulator: 'localhost:3884',
  shutdown: 'localhost:3880',
};

export const PROXIES: readonly Role[] = ['proxy', 'demo'];
export const TOKEN_ROLES: readonly Role[] = ['proxy', 'hub'];
export const CALLING_ROLES: readonly Role[] = ['proxy', 'hub', 'demo'];
export const SERVERS: readonly Role[] = ['proxy', 'hub', 'injector', 'simulator', 'demo'];
