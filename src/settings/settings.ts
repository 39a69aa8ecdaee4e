import type { EgressProxy } from '../upstream/egress-proxy.ts';
import type { Accounts } from './accounts.ts';
import type { Authenticator } from './callers.ts';
import type { InjectorSettings } from './injector.ts';
import type { Role } from './role.ts';
import type { Values } from './schema.ts';
import type { StoreSettings } from './store.ts';
import type { HostPort } from './types.ts';

/**
 * All settings, parsed: durations in milliseconds, sizes in bytes, secrets as `Secret`. Settings that are not checked
 * or combined have the schema's output type.
 */
export type Settings = Checked & Readonly<Omit<Values, keyof Checked | 'egressProxyFile' | 'jssdk' | Drain>>;

type Drain = 'drainDelay' | 'drainTimeout';

interface Checked extends Accounts {
  readonly role: Role;
  /** The path of the settings file, if one was read. */
  readonly configFile: string | undefined;
  readonly listen: HostPort;
  /** Not configured, and nothing outside this machine relies on it: if it is in use, another port will do. */
  readonly adminPortMayMove: boolean;
  /** PEM files: the certificate with its intermediates, and its key. Reloaded when they change. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Additional authorities for upstreams and hub (PEM), as in their file. */
  readonly tlsCaPem: string | undefined;
  /** The proxy for TLS connections to the platform. */
  readonly egressProxy: EgressProxy | undefined;
  /** The only hosts whose pages the sidecar signs; undefined: all. */
  readonly signedUrlHosts: readonly string[] | undefined;
  readonly store: StoreSettings;
  readonly clients: Authenticator['clients'];
  readonly kubernetes: {
    /** The origin of the API server. */
    readonly apiServer: string;
    readonly audience: string;
    readonly allow: Authenticator['allow'];
  };
  /** How long a stopping process keeps accepting calls. */
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly injector: InjectorSettings;
}
