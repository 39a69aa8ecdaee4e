import type { LogLevel } from '../base/log.ts';
import type { InjectionMode } from './annotations.ts';

/** What the installation decides for every pod. */
export interface InjectionSettings {
  /** Of wechat-sidecar, for the status annotation. */
  readonly version: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  readonly mode: InjectionMode;
  readonly hubUrls: readonly string[];
  /** The authority of the hub's certificate (PEM), where it is a private one. */
  readonly hubCaPem: string | undefined;
  /** The platform, where sidecars are to call something else; undefined leaves them their default. */
  readonly upstreams: readonly string[] | undefined;
  readonly audience: string;
  readonly port: number;
  readonly adminPort: number;
  readonly cpuRequest: string;
  readonly cpuLimit: string | undefined;
  readonly memoryRequest: string;
  readonly memoryLimit: string | undefined;
  readonly logLevel: LogLevel;
  /** Undefined leaves it to the image and the platform. */
  readonly runAsUser: number | undefined;
  /** Pods of this namespace are our own. */
  readonly ownNamespace: string;
}
