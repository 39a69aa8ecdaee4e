import { isObject, type JsonObject } from '../base/json.ts';
import { MEMORY_LIMIT_MIN, type PodOptions } from '../kubernetes/annotations.ts';
import { PREFIX } from '../kubernetes/names.ts';
import { type PodView } from './pod.ts';
import { quantityNanos } from '../kubernetes/quantity.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';

/** Where the sidecar is added: before the init container with this index, or among the containers. */
export type SidecarPosition =
  { readonly mode: 'native'; readonly initIndex: number } | { readonly mode: 'container' };

/** The resources of the sidecar, why it cannot have them, and what the author of the pod should know. */
export interface ResourcePlan {
  readonly resources: JsonObject;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

type Kind = 'cpu' | 'memory';

/** For CPU or memory, in the pod's own units. */
interface Share {
  readonly request: string;
  readonly limit: string | undefined;
  readonly problem?: string;
  /** Less than the installation's default, because the pod has no more left. */
  readonly isCut?: boolean;
}

/** What the pod's annotations and the installation request for CPU or memory. */
interface Asked {
  readonly kind: Kind;
  readonly request: string | undefined;
  readonly limit: string | undefined;
  readonly defaultRequest: string;
  readonly defaultLimit: string | undefined;
}

const MIB = 1_048_576n;
const KINDS: readonly Kind[] = ['cpu', 'memory'];
/** In a Guaranteed pod the request is also the limit, and with much less than this the sidecar is slow. */
const GUARANTEED_CPU = '250m';

/**
 * The sidecar's resources. In a pod with pod-level resources (spec.resources) they are cut to what those
 * leave, because the API server would refuse the pod otherwise. In a Guaranteed pod its limits equal its
 * requests, because the pod would lose that class otherwise. In all other pods the annotations and the
 * installation decide.
 */
export function planResources(
  pod: PodView,
  settings: InjectionSettings,
  options: PodOptions,
  position: SidecarPosition,
): ResourcePlan {
  const asked = KINDS.map((kind) => askedFor(kind, settings, options));
  const isGuaranteed = podResources(pod) === undefined && hasClassGuaranteed(pod);
  const shares = asked.map((wanted) => {
    const within = withinPod(pod, wanted, position);
    if (within !== undefined) return within;
    return isGuaranteed ? guaranteed(wanted) : plain(wanted);
  });
  const [cpu, memory] = shares as [Share, Share];
  const limits = {
    ...(cpu.limit !== undefined && { cpu: cpu.limit }),
    ...(memory.limit !== undefined && { memory: memory.limit }),
  };
  const resources = {
    requests: { cpu: cpu.request, memory: memory.request },
    ...(Object.keys(limits).length > 0 && { limits }),
  };
  const problems = shares.flatMap(({ problem }) => problem ?? []);
  return { resources, problems, warnings: warningsFor(shares, isGuaranteed, asked) };
}

function askedFor(kind: Kind, settings: InjectionSettings, options: PodOptions): Asked {
  return kind === 'cpu'
    ? {
        kind,
        request: options.cpuRequest,
        limit: options.cpuLimit,
        defaultRequest: settings.cpuRequest,
        defaultLimit: settings.cpuLimit,
      }
    : {
        kind,
        request: options.memoryRequest,
        limit: options.memoryLimit,
        defaultRequest: settings.memoryRequest,
        defaultLimit: settings.memoryLimit,
      };
}

/** A limit below the installation's default request lowers the request too. */
function plain({ kind, request, limit, defaultRequest, defaultLimit }: Asked): Share {
  const most = limit ?? defaultLimit;
  const share = { request: request ?? lesser(defaultRequest, most), limit: most };
  if (request === undefined || most === undefined || nanos(request) <= nanos(most)) return share;
  const problem = `annotation ${PREFIX}${kind}-request: ${request} is more than the limit, ${most}: set ${PREFIX}${kind}-limit too`;
  return { ...share, problem };
}

/** A pod that sets both gets both. */
function guaranteed(asked: Asked): Share {
  const { kind, request, limit, defaultRequest, defaultLimit } = asked;
  if (request !== undefined && limit !== undefined) return plain(asked);
  const enough = kind === 'cpu' ? greater(GUARANTEED_CPU, defaultRequest) : defaultRequest;
  const both = limit ?? request ?? defaultLimit ?? enough;
  const share = { request: both, limit: both };
  if (kind === 'cpu' || request === undefined || nanos(both) >= nanos(MEMORY_LIMIT_MIN)) return share;
  const problem = `annotation ${PREFIX}memory-request: got "${request}"; in a Guaranteed pod this is also the limit, which must be at least ${MEMORY_LIMIT_MIN}`;
  return { ...share, problem };
}

/** Returns undefined if the pod sets no pod-level resource of this kind. */
function withinPod(pod: PodView, asked: Asked, position: SidecarPosition): Share | undefined {
  const { kind, request, limit, defaultRequest, defaultLimit } = asked;
  const own = podResources(pod);
  const [podRequest, podLimit] = [quantityNanos(own?.requests[kind]), quantityNanos(own?.limits[kind])];
  if (podRequest === undefined && podLimit === undefined) return undefined;
  const left = podRequest === undefined ? undefined : podRequest - requestedBeside(pod, kind, position);
  const room = left === undefined || left > 0n ? left : 0n;

  const most = limit ?? (defaultLimit === undefined ? undefined : atMost(defaultLimit, podLimit, kind));
  const share = { request: request ?? atMost(lesser(defaultRequest, most), room, kind), limit: most };
  if (kind === 'memory' && podLimit !== undefined && podLimit < nanos(MEMORY_LIMIT_MIN)) {
    const problem = `its pod-level memory limit (spec.resources) is ${String(own?.limits[kind])}, but the sidecar alone needs ${MEMORY_LIMIT_MIN}`;
    return { ...share, problem };
  }
  if (limit !== undefined && podLimit !== undefined && nanos(limit) > podLimit) {
    const problem = `annotation ${PREFIX}${kind}-limit: ${limit} exceeds the pod-level limit (spec.resources), ${String(own?.limits[kind])}`;
    return { ...share, problem };
  }
  if (request !== undefined && room !== undefined && nanos(request) > room) {
    const problem = `annotation ${PREFIX}${kind}-request: ${request} exceeds what its containers leave of the pod-level request (spec.resources), ${textOf(room, kind)} of ${String(own?.requests[kind])}`;
    return { ...share, problem };
  }
  const isCut = share.request !== (request ?? defaultRequest) || share.limit !== (limit ?? defaultLimit);
  const { problem } = plain({ ...asked, limit: most });
  return { ...share, isCut, ...(problem !== undefined && { problem }) };
}

function warningsFor(shares: readonly Share[], isGuaranteed: boolean, asked: readonly Asked[]): string[] {
  const cut = asked.filter((_, index) => shares[index]?.isCut === true);
  const usual = cut.map(({ kind, defaultRequest, defaultLimit }) => {
    const limit = defaultLimit === undefined ? '' : `, at most ${defaultLimit}`;
    return `${defaultRequest} of ${kind}${limit}`;
  });
  const isLost =
    isGuaranteed &&
    shares.some(({ request, limit }) => limit === undefined || nanos(request) !== nanos(limit));
  return [
    ...(cut.length > 0
      ? [
          `wechat-sidecar shares the pod-level resources (spec.resources), which leave it less than its default (${usual.join('; ')}): add that to them`,
        ]
      : []),
    ...(isLost
      ? [
          `the pod would be Guaranteed if the annotations of ${PREFIX} did not set requests below their limits`,
        ]
      : []),
  ];
}

interface PodResources {
  readonly requests: JsonObject;
  readonly limits: JsonObject;
}

/** Pod-level resources, available since Kubernetes 1.34; undefined if the pod sets none. */
function podResources({ spec }: PodView): PodResources | undefined {
  const { requests, limits } = resourcesIn(spec);
  const isSet = KINDS.some((kind) => kind in requests || kind in limits);
  return isSet ? { requests, limits } : undefined;
}

function resourcesIn({ resources }: JsonObject): PodResources {
  const { requests, limits } = isObject(resources) ? resources : {};
  return { requests: isObject(requests) ? requests : {}, limits: isObject(limits) ? limits : {} };
}

/** As the kubelet decides: every container has limits, and they equal its requests. */
function hasClassGuaranteed({ containers, initContainers }: PodView): boolean {
  return [...containers, ...initContainers].every((container) => {
    const { requests, limits } = resourcesIn(container);
    return KINDS.every((kind) => {
      const limit = quantityNanos(limits[kind]) ?? 0n;
      return limit > 0n && (quantityNanos(requests[kind]) ?? limit) === limit;
    });
  });
}

/**
 * The maximum that the other containers request at one time while the sidecar runs: all containers plus the
 * init containers that keep running, or, before that, one init container plus those that keep running
 * already.
 */
function requestedBeside(
  { containers, initContainers }: PodView,
  kind: Kind,
  position: SidecarPosition,
): bigint {
  const requestOf = (container: JsonObject): bigint => {
    const { requests, limits } = resourcesIn(container);
    return quantityNanos(requests[kind]) ?? quantityNanos(limits[kind]) ?? 0n;
  };
  let running = 0n;
  let most = 0n;
  for (const [index, init] of initContainers.entries()) {
    const together = running + requestOf(init);
    if (init['restartPolicy'] === 'Always') running = together;
    if (position.mode === 'native' && index >= position.initIndex && together > most) most = together;
  }
  const together = containers.reduce((sum, container) => sum + requestOf(container), running);
  return together > most ? together : most;
}

function nanos(text: string): bigint {
  return quantityNanos(text) ?? 0n;
}

function lesser(text: string, most: string | undefined): string {
  return most !== undefined && nanos(most) < nanos(text) ? most : text;
}

function greater(one: string, other: string): string {
  return nanos(one) < nanos(other) ? other : one;
}

function atMost(text: string, most: bigint | undefined, kind: Kind): string {
  return most !== undefined && most < nanos(text) ? textOf(most, kind) : text;
}

/** Rounded down to a unit that suits the kind: millicores, whole bytes. */
function textOf(amount: bigint, kind: Kind): string {
  if (amount === 0n) return '0';
  if (kind === 'cpu') return `${amount / 1_000_000n}m`;
  const bytes = amount / 1_000_000_000n;
  return bytes % MIB === 0n ? `${bytes / MIB}Mi` : String(bytes);
}
