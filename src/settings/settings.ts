import type { LogLevel } from '../base/log.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';
import type { Secret } from '../base/secret.ts';
import type { EgressProxy } from '../upstream/egress-proxy.ts';
import type { AppMode } from '../token/token.ts';
import type { Credentials } from '../wechat/issuer.ts';
import type { Right } from '../hub-api/rights.ts';

/** What this process is; each role takes the settings of its own and leaves the others unread. */
const ROLES = ['proxy', 'hub', 'injector', 'simulator', 'demo', 'shutdown'] as const;
export type Role = (typeof ROLES)[number];

/** Everything that can be set, parsed: durations in milliseconds, sizes in bytes, secrets as `Secret`. */
export interface Settings {
  readonly role: Role;
  /** The path of the file that some of this came from. */
  readonly configFile: string | undefined;
  readonly listen: HostPort;
  readonly adminListen: HostPort;
  /** Nobody set it, and nobody outside this machine's user expects it there: where it is taken, another one will do. */
  readonly adminPortMayMove: boolean;
  readonly tls: TlsSettings | undefined;
  /** Further authorities for upstreams and hub (PEM), as their file holds them. */
  readonly tlsCaPem: string | undefined;
  /** The accounts that this process holds the secrets of; empty for a proxy with a hub. */
  readonly apps: readonly AppSettings[];
  /** The account of a call that names none: the one that is set, else the only one of `apps`. */
  readonly defaultApp: string | undefined;
  readonly hub: HubSettings | undefined;
  /** Origins such as `https://api.weixin.qq.com`, in order of preference; 1 to 16. */
  readonly upstreams: readonly string[];
  /** What connections with TLS to them go through. */
  readonly egressProxy: EgressProxy | undefined;
  readonly resolve: 'system' | 'dns';
  readonly timeouts: TimeoutSettings;
  readonly limits: { readonly inFlightMax: number };
  readonly replay: { readonly bodyBytesMax: number; readonly memoryBytesMax: number };
  readonly errorStatus: 'wechat' | 'http';
  readonly foreignTokens: 'pass' | 'replace' | 'reject';
  /** Addresses and ranges that may connect to a business port that is not on loopback. */
  readonly listenPeers: readonly string[];
  /** Further host names that the business port serves. */
  readonly allowedHosts: readonly string[];
  /** Origins of web pages that may call the business port. */
  readonly allowedOrigins: readonly string[];
  /** The only hosts whose pages the sidecar signs; undefined: all. */
  readonly signedUrlHosts: readonly string[] | undefined;
  /** Patterns for `matchAny`. */
  readonly denyPaths: readonly string[];
  readonly store: StoreSettings;
  readonly clients: readonly ClientSettings[];
  readonly kubernetes: KubernetesSettings;
  /** How long a stopping process goes on accepting calls. */
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly logLevel: LogLevel;
  readonly accessLog: 'off' | 'errors' | 'all';
  readonly simulator: SimulatorSettings;
  readonly injector: InjectorSettings;
  /** Serves HTTPS for the platform's own host names too; undefined: no. */
  readonly transparent: TransparentSettings | undefined;
}

/** `host` is a name or an address without brackets; `localhost` means both 127.0.0.1 and ::1. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Files in PEM: the certificate and those between it and the root; its key. Read again when they change. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface AppSettings extends Omit<Credentials, 'mode'> {
  readonly mode: AppMode;
  /** For people; the appid where none is set. */
  readonly name: string;
}

export interface HubSettings {
  /** Origins of the same hub, in order of preference; 1 to 16. */
  readonly urls: readonly string[];
  /** Holds the bearer token; read again for each use, since Kubernetes renews it. */
  readonly tokenFile: string;
  /** The only accounts to use, of those that the hub lets us use; undefined: all of them. */
  readonly apps?: readonly string[] | undefined;
}

export interface TimeoutSettings {
  readonly connectMs: number;
  /** Until the head of the answer. */
  readonly answerMs: number;
  /** Between two bytes of a body. */
  readonly idleMs: number;
}

export type StoreSettings =
  | { readonly kind: 'memory' }
  | { readonly kind: 'file'; readonly path: string; readonly encryptionKey: Secret | undefined }
  | {
      readonly kind: 'redis';
      /** redis:// or rediss://, perhaps with a password. With Sentinels its host is the group's name. */
      readonly url: Secret;
      /** Empty: the URL names the server itself. */
      readonly sentinels: readonly HostPort[];
      /** The URL names one node of a Redis Cluster. */
      readonly cluster: boolean;
      readonly keyPrefix: string;
      readonly encryptionKey: Secret | undefined;
    };

/** A caller of the hub that is known by a key. */
export interface ClientSettings {
  readonly name: string;
  /** The SHA-256 of its key: 64 hex digits in lower case. */
  readonly keySha256: string;
  /** The appids it may use; `*` stands for every account. */
  readonly apps: readonly string[];
  /** What it may do with them. */
  readonly may: readonly Right[];
  /** The only hosts whose pages it may have signed; undefined: all. */
  readonly urlHosts?: readonly string[] | undefined;
}

export interface KubernetesSettings {
  /** The origin of the API server. */
  readonly apiServer: string;
  readonly audience: string;
  /** Service accounts that may use the hub; empty allows none. */
  readonly allow: readonly ServiceAccountSettings[];
}

export interface ServiceAccountSettings {
  readonly namespace: string;
  /** `*` stands for every service account of the namespace. */
  readonly serviceAccount: string;
  readonly apps: readonly string[];
  readonly may: readonly Right[];
  readonly urlHosts?: readonly string[] | undefined;
}

export interface SimulatorSettings {
  readonly seed: number;
  /** Speaks HTTPS, with a throw-away certificate of its own. */
  readonly tls: boolean;
  readonly tokenLifeMs: number;
}

/** What pods get, and where the injector keeps its certificate. */
export interface InjectorSettings {
  readonly sidecar: Omit<InjectionSettings, 'version' | 'audience' | 'ownNamespace'>;
  readonly namespace: string;
  readonly service: string;
  readonly secret: string;
  readonly webhookConfiguration: string;
}

/** For programs that have the platform's host name wired in, and whose hosts file leads it here. */
export interface TransparentSettings {
  readonly listen: HostPort;
  /** Folder of the certificates that programs beside the sidecar should trust. */
  readonly trustFolder: string;
  /** Where the sidecar keeps the key, for itself after a restart. */
  readonly keyFolder: string;
}
