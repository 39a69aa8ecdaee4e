import type { JsonObject } from '../base/json.ts';
import type { PodOptions } from '../kubernetes/annotations.ts';
import { egressEnvironment, egressSources } from './egress.ts';
import {
  ADMIN_PORT_NAME,
  CONTAINER_NAME,
  HUB_CA_ANNOTATION,
  MOUNT_PATH,
  VOLUME_NAME,
} from '../kubernetes/names.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';
import { transparentEnvironment, transparentMounts } from './transparent.ts';

/** How the sidecar runs in this pod. */
export interface SidecarPlan {
  readonly mode: 'native' | 'container';
  /** For a native sidecar: the index in initContainers at which it is inserted. */
  readonly initIndex: number;
  readonly port: number;
  readonly adminPort: number;
  /** The termination grace period of the pod. */
  readonly graceSeconds: number;
}

const TOKEN_FILE = `${MOUNT_PATH}/token`;
const CA_FILE = 'ca.pem';
/**
 * The kubelet renews a token when a fifth of its life is left; the minimum that can be requested is ten
 * minutes.
 */
const TOKEN_LIFE_SECONDS = 3_600;
const ACCEPTING_SECONDS_MAX = 55;

/**
 * Delays the start of the following containers: the kubelet starts containers in order, each after the
 * postStart hook of the one before. It gives up after a minute; the application then starts anyway.
 */
const WAIT_FOR_START =
  'let left=300;(function look(){fetch(process.argv[1]).then(r=>r.ok,()=>false)' +
  '.then(ok=>ok||--left<0||setTimeout(look,200))})()';

/** The container that is added to a pod. It satisfies the Pod Security Standard `restricted`. */
export function sidecarContainer(
  settings: InjectionSettings,
  options: PodOptions,
  plan: SidecarPlan,
  resources: JsonObject,
): JsonObject {
  const probe = (path: string, periodSeconds: number, failureThreshold: number): JsonObject => ({
    httpGet: { path, port: plan.adminPort },
    periodSeconds,
    timeoutSeconds: 2,
    failureThreshold,
  });
  return {
    name: CONTAINER_NAME,
    image: options.image ?? settings.image,
    ...(settings.imagePullPolicy && { imagePullPolicy: settings.imagePullPolicy }),
    args: ['proxy'],
    env: Object.entries(environmentOf(settings, options, plan)).map(([name, value]) => ({ name, value })),
    ports: [{ name: ADMIN_PORT_NAME, containerPort: plan.adminPort, protocol: 'TCP' }],
    resources,
    ...(plan.mode === 'native'
      ? { restartPolicy: 'Always' }
      : { lifecycle: { postStart: { exec: { command: waitCommand(plan.adminPort) } } } }),
    startupProbe: probe('/startupz', 1, 60),
    livenessProbe: probe('/livez', 10, 3),
    readinessProbe: probe('/readyz', 5, 2),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      ...(settings.runAsUser !== undefined && {
        runAsUser: settings.runAsUser,
        runAsGroup: settings.runAsUser,
      }),
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: VOLUME_NAME, mountPath: MOUNT_PATH, readOnly: true },
      ...(options.transparent === true ? transparentMounts() : []),
    ],
  };
}

/**
 * Our own credential for the hub: the application's token is not ours to use, and may not be mounted at
 * all.
 */
export function sidecarVolume(settings: InjectionSettings, options: PodOptions): JsonObject {
  const token = {
    serviceAccountToken: {
      audience: settings.audience,
      expirationSeconds: TOKEN_LIFE_SECONDS,
      path: 'token',
    },
  };
  return {
    name: VOLUME_NAME,
    projected: {
      sources: [token, ...authorities(settings), ...egressSources(settings, options.egressProxy)],
    },
  };
}

/** The CAs to trust in addition to the public ones. Both sources are updated in place when they change. */
function authorities({ hubCaPem, caConfigMap }: InjectionSettings): JsonObject[] {
  if (hubCaPem !== undefined) {
    const fieldRef = { apiVersion: 'v1', fieldPath: `metadata.annotations['${HUB_CA_ANNOTATION}']` };
    return [{ downwardAPI: { items: [{ path: CA_FILE, fieldRef }] } }];
  }
  if (caConfigMap === undefined) return [];
  const { name, key } = caConfigMap;
  return [{ configMap: { name, items: [{ key, path: CA_FILE }] } }];
}

function environmentOf(
  settings: InjectionSettings,
  options: PodOptions,
  plan: SidecarPlan,
): Record<string, string> {
  const { delaySeconds, timeoutSeconds } = drainOf(plan);
  const app = options.app ?? (options.apps?.length === 1 ? options.apps[0] : undefined);
  return {
    WECHAT_SIDECAR_HUB_URL: (options.hubUrls ?? settings.hubUrls).join(','),
    WECHAT_SIDECAR_HUB_TOKEN_FILE: TOKEN_FILE,
    ...(settings.upstreams && { WECHAT_SIDECAR_UPSTREAMS: settings.upstreams.join(',') }),
    ...egressEnvironment(settings, options.egressProxy),
    ...(options.apps && { WECHAT_SIDECAR_HUB_APPS: options.apps.join(',') }),
    ...(app !== undefined && { WECHAT_SIDECAR_DEFAULT_APP: app }),
    WECHAT_SIDECAR_LISTEN: `localhost:${plan.port}`,
    // The kubelet uses the pod's address, which is IPv6 only in some clusters.
    WECHAT_SIDECAR_ADMIN_LISTEN: `[::]:${plan.adminPort}`,
    WECHAT_SIDECAR_LOG_LEVEL: options.logLevel ?? settings.logLevel,
    WECHAT_SIDECAR_DRAIN_DELAY: `${delaySeconds}s`,
    WECHAT_SIDECAR_DRAIN_TIMEOUT: `${timeoutSeconds}s`,
    ...(options.transparent === true && transparentEnvironment(settings.upstreams)),
    ...(authorities(settings).length > 0 && { WECHAT_SIDECAR_TLS_CA_FILE: `${MOUNT_PATH}/${CA_FILE}` }),
  };
}

/**
 * A native sidecar is stopped after all other containers have ended, so there are no more callers. A plain
 * container is stopped at the same time as the application, which may still make calls; it cannot see the
 * application end, so it accepts calls for almost the whole grace period.
 */
function drainOf({ mode, graceSeconds }: SidecarPlan): { delaySeconds: number; timeoutSeconds: number } {
  const timeoutSeconds = Math.min(Math.max(graceSeconds - 2, 1), 3_600);
  if (mode === 'native') return { delaySeconds: 0, timeoutSeconds };
  return { delaySeconds: Math.min(Math.max(graceSeconds - 5, 0), ACCEPTING_SECONDS_MAX), timeoutSeconds };
}

function waitCommand(adminPort: number): readonly string[] {
  return ['node', '-e', WAIT_FOR_START, `http://127.0.0.1:${adminPort}/startupz`];
}
