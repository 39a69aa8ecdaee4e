import type { LogLevel } from '../base/log.ts';
import type { InjectionMode } from './annotations.ts';

/** What the installation decides for every pod. */
export interface InjectionSettings {
  /** Of wechat-sidecar, for the status annotation. */
  readonly version: string;
  readonly image: string;
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  /** Secrets with credentials for the registry of that image; each pod's own namespace has them. */
  readonly imagePullSecrets: readonly string[];
  readonly mode: InjectionMode;
  readonly hubUrls: readonly string[];
  /** The authority of the hub's certificate (PEM), where it is a private one. */
  readonly hubCaPem?: string | undefined;
  /** A ConfigMap of each pod's own namespace with further authorities, and its key. */
  readonly caConfigMap?: { readonly name: string; readonly key: string } | undefined;
  /** The platform, where sidecars are to call something else; undefined leaves them their default. */
  readonly upstreams?: readonly string[] | undefined;
  /** The forward proxy of sidecars: `none` or a URL without user and password. */
  readonly egressProxy?: string | undefined;
  /** In its place, a Secret of each pod's own namespace whose key holds the URL, with a password or without. */
  readonly egressProxySecret?: { readonly name: string; readonly key: string } | undefined;
  readonly audience: string;
  readonly port: number;
  readonly adminPort: number;
  readonly cpuRequest: string;
  readonly cpuLimit?: string | undefined;
  readonly memoryRequest: string;
  readonly memoryLimit?: string | undefined;
  readonly logLevel: LogLevel;
  /** Undefined leaves it to the image and the platform. */
  readonly runAsUser?: number | undefined;
  /** Annotations that no pod may set, without their prefix. */
  readonly lockedAnnotations: readonly string[];
  /** Pods of this namespace are our own. */
  readonly ownNamespace: string;
}
