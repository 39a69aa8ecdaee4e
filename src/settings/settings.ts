import type { EgressProxy } from '../upstream/egress-proxy.ts';
import type { Accounts } from './accounts.ts';
import type { Authenticator } from './callers.ts';
import type { InjectorSettings } from './injector.ts';
import type { Role } from './role.ts';
import type { Values } from './schema.ts';
import type { StoreSettings } from './store.ts';
import type { HostPort } from './types.ts';

/**
 * Everything that can be set, parsed: durations in milliseconds, sizes in bytes, secrets as `Secret`.
 * What is not checked or put together is as the schema reads it.
 */
export type Settings = Checked & Readonly<Omit<Values, keyof Checked | 'egressProxyFile' | 'jssdk' | Drain>>;

type Drain = 'drainDelay' | 'drainTimeout';

interface Checked extends Accounts {
  readonly role: Role;
  /** The path of the file that some of this came from. */
  readonly configFile: string | undefined;
  readonly listen: HostPort;
  /** Nobody set it, and nobody outside this machine's user expects it there: where it is taken, another one will do. */
  readonly adminPortMayMove: boolean;
  /** Files in PEM: the certificate and those between it and the root; its key. Read again when they change. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Further authorities for upstreams and hub (PEM), as their file holds them. */
  readonly tlsCaPem: string | undefined;
  /** What connections with TLS to the platform go through. */
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
  /** How long a stopping process goes on accepting calls. */
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly injector: InjectorSettings;
}
