import { LOG_LEVELS, type LogLevel } from '../base/log.ts';
import { didYouMean } from '../base/did-you-mean.ts';
import { isAppid } from '../wechat/appid.ts';
import { isImageReference } from './image.ts';
import { HUB_CA_ANNOTATION, PREFIX, STATUS_ANNOTATION } from './names.ts';
import { cpuMillis, memoryBytes } from './quantity.ts';
import { plainProxy } from './plain-proxy.ts';

/**
 * `native`: an init container that keeps running (Kubernetes 1.29 and later). `container`: one more
 * container, for older clusters. `auto`: what the API server can do.
 */
export const INJECTION_MODES = ['native', 'container', 'auto'] as const;
export type InjectionMode = (typeof INJECTION_MODES)[number];

/** What a pod requests. The injector's settings decide whatever is missing. */
export interface PodOptions {
  app?: string;
  apps?: readonly string[];
  mode?: InjectionMode;
  hubUrls?: readonly string[];
  image?: string;
  port?: number;
  cpuRequest?: string;
  cpuLimit?: string;
  memoryRequest?: string;
  memoryLimit?: string;
  logLevel?: LogLevel;
  /** `none` or a URL without user and password. */
  egressProxy?: string;
  transparent?: boolean;
  /** Names of init containers. */
  initBefore?: readonly string[];
}

export interface Annotation {
  /** Without the prefix. */
  readonly name: string;
  /** Completes the sentence "accepted is …". */
  readonly accepted: string;
  readonly meaning: string;
  /** Sets the option; returns false if the text is not accepted. */
  take(text: string, options: PodOptions): boolean;
}

const ORIGIN = /^https?:\/\/[^\s/?#@\\,]+\/?$/i;
const LIST_ITEMS_MAX = 16;
/** Lower ports need a privilege that the sidecar does not have. */
const PORT_MIN = 1_024;
/** With less than this the process is killed at start. */
export const MEMORY_LIMIT_MIN = '96Mi';
/** RFC 1123, as for container names. */
const CONTAINER_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Every annotation that a pod may carry. The table in k8s/README.md says the same, and a test holds it to that. */
export const ANNOTATIONS: readonly Annotation[] = [
  {
    name: 'app',
    accepted: 'an appid',
    meaning: 'The account of a call that names none. Needed where the hub lets the pod use more than one.',
    take: (text, options) => set(options, 'app', isAppid(text) ? text : undefined),
  },
  {
    name: 'apps',
    accepted: `1 to ${LIST_ITEMS_MAX} appids with commas between`,
    meaning: 'The only accounts that this pod uses, of those that the hub allows it.',
    take: (text, options) =>
      set(
        options,
        'apps',
        list(text, (item) => (isAppid(item) ? item : undefined)),
      ),
  },
  {
    name: 'mode',
    accepted: `one of ${INJECTION_MODES.join(', ')}`,
    meaning:
      '`native`: an init container that keeps running (Kubernetes 1.29 and later). `container`: one more container, for older clusters. `auto`: what the API server can do.',
    take: (text, options) =>
      set(
        options,
        'mode',
        INJECTION_MODES.find((mode) => mode === text),
      ),
  },
  {
    name: 'hub-url',
    accepted: `1 to ${LIST_ITEMS_MAX} http or https origins with commas between, such as https://hub.example.com:3882`,
    meaning: 'Another hub than the one of the installation.',
    take: (text, options) =>
      set(
        options,
        'hubUrls',
        list(text, (item) => (ORIGIN.test(item) && URL.canParse(item) ? new URL(item).origin : undefined)),
      ),
  },
  {
    name: 'image',
    accepted: 'an image reference, such as registry.example.com/wechat-sidecar:0.1.0',
    meaning: 'Another image of wechat-sidecar, to try a version in one workload first.',
    take: (text, options) => set(options, 'image', isImageReference(text) ? text : undefined),
  },
  {
    name: 'port',
    accepted: `a whole number from ${PORT_MIN} to 65535`,
    meaning: 'The loopback port that the sidecar serves on, where 3880 is taken.',
    take: (text, options) => set(options, 'port', portOf(text)),
  },
  {
    name: 'cpu-request',
    accepted: 'processors, such as 10m or 0.1',
    meaning: 'What the scheduler sets aside for the sidecar.',
    take: (text, options) => set(options, 'cpuRequest', cpuMillis(text) === undefined ? undefined : text),
  },
  {
    name: 'cpu-limit',
    accepted: 'processors, more than none, such as 500m or 1',
    meaning: 'The most it gets; for namespaces whose quota asks for a limit. A low one makes calls slow.',
    take: (text, options) => set(options, 'cpuLimit', (cpuMillis(text) ?? 0) > 0 ? text : undefined),
  },
  {
    name: 'memory-request',
    accepted: 'bytes with a unit (Ki, Mi, Gi, k, M or G), such as 64Mi',
    meaning: 'What the scheduler sets aside for the sidecar.',
    take: (text, options) =>
      set(options, 'memoryRequest', memoryBytes(text) === undefined ? undefined : text),
  },
  {
    name: 'memory-limit',
    accepted: `bytes with a unit (Ki, Mi, Gi, k, M or G), ${MEMORY_LIMIT_MIN} or more`,
    meaning: 'The most it gets before it is killed. Request bodies kept for a replay count.',
    take: (text, options) =>
      set(
        options,
        'memoryLimit',
        (memoryBytes(text) ?? 0) >= (memoryBytes(MEMORY_LIMIT_MIN) ?? 0) ? text : undefined,
      ),
  },
  {
    name: 'log-level',
    accepted: `one of ${LOG_LEVELS.join(', ')}`,
    meaning: 'The least level that the sidecar logs.',
    take: (text, options) =>
      set(
        options,
        'logLevel',
        LOG_LEVELS.find((level) => level === text),
      ),
  },
  {
    name: 'egress-proxy',
    accepted: 'none, or http://host:port without user and password',
    meaning:
      'The forward proxy that calls to the platform go through, or none. One with a password is named by the operator, in a Secret (`WECHAT_INJECTOR_EGRESS_PROXY_SECRET`).',
    take: (text, options) => set(options, 'egressProxy', plainProxy(text)),
  },
  {
    name: 'transparent',
    accepted: 'true or false',
    meaning:
      'For programs that have `https://api.weixin.qq.com` wired in: the name leads to the sidecar in this pod, and Node, Python, Go, curl, .NET, Java and PHP are told to trust it. Needs a native sidecar.',
    take: (text, options) =>
      set(options, 'transparent', text === 'true' ? true : text === 'false' ? false : undefined),
  },
  {
    name: 'init-before',
    accepted: `1 to ${LIST_ITEMS_MAX} names of init containers with commas between`,
    meaning:
      'The sidecar starts right before the first of these init containers, and not before all of them: for a pod with init containers that have to run first, such as those that set up its network. Needs a native sidecar.',
    take: (text, options) =>
      set(
        options,
        'initBefore',
        list(text, (item) => (CONTAINER_NAME.test(item) ? item : undefined)),
      ),
  },
];

/** These are present on a pod that was read from a cluster and created again. */
const WRITTEN_BACK = [STATUS_ANNOTATION, HUB_CA_ANNOTATION];
const SHOWN_CHARACTERS_MAX = 60;

/**
 * Reads every annotation with our prefix and reports every problem. A misspelt annotation would otherwise
 * be ignored silently.
 */
export function readAnnotations(
  annotations: Readonly<Record<string, string>>,
  locked: readonly string[] = [],
): {
  readonly options: Readonly<PodOptions>;
  readonly problems: readonly string[];
} {
  const options: PodOptions = {};
  const problems: string[] = [];
  const ours = Object.entries(annotations).filter(
    ([key]) => key.startsWith(PREFIX) && !WRITTEN_BACK.includes(key),
  );
  // A pod cannot have this many valid ones, and finding a suggestion for each takes time.
  for (const [key, text] of ours.slice(0, 2 * ANNOTATIONS.length)) {
    const name = key.slice(PREFIX.length);
    const annotation = ANNOTATIONS.find((row) => row.name === name);
    if (annotation === undefined) problems.push(unknown(name));
    else if (locked.includes(name)) {
      problems.push(`annotation ${key}: is locked by the operator of the injector; remove it`);
    } else if (!annotation.take(text.trim(), options)) {
      problems.push(
        `annotation ${key}: got ${JSON.stringify(shortened(text))}, accepted is ${annotation.accepted}`,
      );
    }
  }
  const { app, apps } = options;
  if (app !== undefined && apps !== undefined && !apps.includes(app)) {
    problems.push(`annotation ${PREFIX}app: ${app} is not in ${PREFIX}apps (${apps.join(', ')})`);
  }
  return { options, problems };
}

function unknown(name: string): string {
  const names = ANNOTATIONS.map((row) => row.name);
  const hint = didYouMean(name, names);
  const known = hint === '' ? `; valid ones are ${names.join(', ')}` : hint;
  return `annotation ${PREFIX}${shortened(name)}: no such annotation${known}`;
}

function set<K extends keyof PodOptions>(
  options: PodOptions,
  name: K,
  value: PodOptions[K] | undefined,
): boolean {
  if (value === undefined) return false;
  options[name] = value;
  return true;
}

function list(text: string, read: (item: string) => string | undefined): readonly string[] | undefined {
  const items = text.split(',').map((item) => read(item.trim()));
  const isGood = items.length <= LIST_ITEMS_MAX && items.every((item) => item !== undefined);
  return isGood ? [...new Set(items)] : undefined;
}

function portOf(text: string): number | undefined {
  const port = /^[1-9]\d{3,4}$/.test(text) ? Number(text) : 0;
  return port >= PORT_MIN && port <= 65_535 ? port : undefined;
}

/** Makes the text safe to show: more people read a refusal than the pod, and a URL may contain a password. */
function shortened(text: string): string {
  const harmless = text.replaceAll(/\/\/[^,]*@/g, '//…@');
  return harmless.length > SHOWN_CHARACTERS_MAX ? `${harmless.slice(0, SHOWN_CHARACTERS_MAX)}…` : harmless;
}
