import type { LogLevel } from '../base/log.ts';
import type { InjectionMode } from './annotations.ts';

/** What the installation decides for every pod. */
export interface InjectionSettings {
  /** The version of wechat-sidecar, for the status annotation. */
  readonly version: string;
  readonly image: string;
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  /** Secrets with registry credentials for that image; they are in each pod's own namespace. */
  readonly imagePullSecrets: readonly string[];
  readonly mode: InjectionMode;
  readonly hubUrls: readonly string[];
  /** The CA of the hub's certificate (PEM), if it is a private one. */
  readonly hubCaPem?: string | undefined;
  /** A ConfigMap in each pod's own namespace with additional CAs, and its key. */
  readonly caConfigMap?: { readonly name: string; readonly key?: string } | undefined;
  /** The platform's origins, if sidecars are to call another address; undefined keeps their default. */
  readonly upstreams?: readonly string[] | undefined;
  /** The egress proxy of sidecars: `none` or a URL without user and password. */
  readonly egressProxy?: string | undefined;
  /**
   * Instead of that, a Secret in each pod's own namespace whose key holds the URL, with or without a
   * password.
   */
  readonly egressProxySecret?: { readonly name: string; readonly key?: string } | undefined;
  readonly audience: string;
  readonly port: number;
  readonly adminPort: number;
  readonly cpuRequest: string;
  readonly cpuLimit?: string | undefined;
  readonly memoryRequest: string;
  readonly memoryLimit?: string | undefined;
  readonly logLevel: LogLevel;
  /** If undefined, the image and the platform decide. */
  readonly runAsUser?: number | undefined;
  /** Annotations that pods may not set, without the prefix. */
  readonly lockedAnnotations: readonly string[];
  /** Pods in this namespace are our own. */
  readonly ownNamespace: string;
}
