import { didYouMean, nearest } from '../base/did-you-mean.ts';
import { settingsSchema } from './schema.ts';

/** Plain variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const OURS = /^WECHAT_(?:SIDECAR|HUB|INJECTOR|SIMULATOR)_/;

/** Names with our prefix for the business program: set by the injector, and possibly where `shutdown` runs. */
const FOR_OTHERS = ['WECHAT_SIDECAR_URL'];

/**
 * For a Service named `wechat-sidecar`, Kubernetes itself sets `WECHAT_SIDECAR_SERVICE_HOST`, `WECHAT_SIDECAR_PORT` and
 * similar variables in every container of the namespace. They are not settings.
 */
const SERVICE_LINK =
  /_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
const SERVICE_LINK_VALUE = /^(?:tcp|udp|sctp):\/\//;

/** YAML's empty values, and a variable set to an empty string, count as not given. */
const NOTHING = new Set(['', '~', 'null']);

export function isGiven(text: unknown): text is string {
  return typeof text === 'string' && !NOTHING.has(text.trim());
}

/** Variables with our prefix that are not settings. */
export function unknownVariables(env: Environment): string[] {
  const known = settingsSchema().settings.flatMap((setting) => setting.env ?? []);
  return Object.keys(env)
    .filter((name) => OURS.test(name) && !known.includes(name) && isGiven(env[name]))
    .filter((name) => !FOR_OTHERS.includes(name))
    .filter((name) => !isServiceLink(name, env[name] ?? ''))
    .map((name) => `${name}: no such setting${suggestion(name, known)}`);
}

/** Variables without our prefix that look like a typo; they may belong to others. */
export function doubtfulVariables(env: Environment): string[] {
  const known = settingsSchema().settings.flatMap((setting) => setting.env ?? []);
  const short = known.filter((name) => !OURS.test(name));
  return Object.keys(env)
    .filter((name) => /^WE_?CHAT_/.test(name) && !OURS.test(name) && !known.includes(name))
    .flatMap((name) => {
      const meant = nearest(name, short);
      return meant === undefined ? [] : [`${name} is set, but is not a setting; did you mean ${meant}?`];
    });
}

/** Whether we run in Kubernetes, whose probes and annotations rely on our ports. */
export function isInKubernetes({ KUBERNETES_SERVICE_HOST }: Environment): boolean {
  return isGiven(KUBERNETES_SERVICE_HOST);
}

/** The API server of this cluster, from the variables that Kubernetes sets in every container. */
export function apiServerIn(env: Environment): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!isGiven(host)) return 'https://kubernetes.default.svc';
  return `https://${host.includes(':') ? `[${host}]` : host}:${port ?? '443'}`;
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (name.endsWith('_PORT') && SERVICE_LINK_VALUE.test(value));
}

/** The most common mistake is the right name with the wrong prefix. */
function suggestion(name: string, known: readonly string[]): string {
  const sameWord = known.find((candidate) => nearest(bare(name), [bare(candidate)]) === bare(candidate));
  const whole = didYouMean(name, known);
  return whole !== '' || sameWord === undefined ? whole : `; did you mean ${sameWord}?`;
}

function bare(name: string): string {
  return name.replace(/^WECHAT_(?:SIDECAR_|INJECTOR_|SIMULATOR_)?/, '');
}
