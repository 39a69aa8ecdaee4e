import { isObject, type JsonObject } from '../base/json.ts';
import { MEMORY_LIMIT_MIN, type Wishes } from '../kubernetes/annotations.ts';
import { PREFIX } from '../kubernetes/names.ts';
import { type PodView } from './pod.ts';
import { quantityNanos } from '../kubernetes/quantity.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';

/** Where the sidecar goes: before this one of the init containers, or among the containers. */
export type Place = { readonly mode: 'native'; readonly initIndex: number } | { readonly mode: 'container' };

/** What the sidecar asks for, why it cannot have that, and what its author should know. */
export interface ResourcePlan {
  readonly resources: JsonObject;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

type Kind = 'cpu' | 'memory';

/** Of one kind, in the pod's own units. */
interface Share {
  readonly request: string;
  readonly limit: string | undefined;
  readonly problem?: string;
  /** Less than the installation gives, because the pod has no more. */
  readonly isCut?: boolean;
}

/** What is asked of one kind: by the pod's annotations, and by the installation. */
interface Asked {
  readonly kind: Kind;
  readonly request: string | undefined;
  readonly limit: string | undefined;
  readonly defaultRequest: string;
  readonly defaultLimit: string | undefined;
}

const MIB = 1_048_576n;
const KINDS: readonly Kind[] = ['cpu', 'memory'];
/** In a Guaranteed pod the request is the limit too, and with much less than this the sidecar is slow. */
const GUARANTEED_CPU = '250m';

/**
 * The sidecar's share. In a pod with resources of its own (spec.resources) it is cut to what those leave,
 * or the API server would refuse the pod; in a pod of the class Guaranteed its limits are its requests,
 * or the pod would lose that class; else it is what annotations and installation say.
 */
export function planResources(
  pod: PodView,
  settings: InjectionSettings,
  wishes: Wishes,
  place: Place,
): ResourcePlan {
  const asked = KINDS.map((kind) => askedFor(kind, settings, wishes));
  const isGuaranteed = podResources(pod) === undefined && hasClassGuaranteed(pod);
  const shares = asked.map((wanted) => {
    const within = withinPod(pod, wanted, place);
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

function askedFor(kind: Kind, settings: InjectionSettings, wishes: Wishes): Asked {
  return kind === 'cpu'
    ? {
        kind,
        request: wishes.cpuRequest,
        limit: wishes.cpuLimit,
        defaultRequest: settings.cpuRequest,
        defaultLimit: settings.cpuLimit,
      }
    : {
        kind,
        request: wishes.memoryRequest,
        limit: wishes.memoryLimit,
        defaultRequest: settings.memoryRequest,
        defaultLimit: settings.memoryLimit,
      };
}

/** A limit that is below the request of the installation brings the request down with it. */
function plain({ kind, request, limit, defaultRequest, defaultLimit }: Asked): Share {
  const most = limit ?? defaultLimit;
  const share = { request: request ?? lesser(defaultRequest, most), limit: most };
  if (request === undefined || most === undefined || nanos(request) <= nanos(most)) return share;
  const problem = `annotation ${PREFIX}${kind}-request: ${request} is more than the limit, ${most}: set ${PREFIX}${kind}-limit too`;
  return { ...share, problem };
}

/** Who asks for both gets both. */
function guaranteed(asked: Asked): Share {
  const { kind, request, limit, defaultRequest, defaultLimit } = asked;
  if (request !== undefined && limit !== undefined) return plain(asked);
  const enough = kind === 'cpu' ? greater(GUARANTEED_CPU, defaultRequest) : defaultRequest;
  const both = limit ?? request ?? defaultLimit ?? enough;
  const share = { request: both, limit: both };
  if (kind === 'cpu' || request === undefined || nanos(both) >= nanos(MEMORY_LIMIT_MIN)) return share;
  const problem = `annotation ${PREFIX}memory-request: got "${request}", and in a pod of the class Guaranteed it is the limit too, of which ${MEMORY_LIMIT_MIN} or more is accepted`;
  return { ...share, problem };
}

/** Undefined if the pod sets nothing of this kind for itself. */
function withinPod(pod: PodView, asked: Asked, place: Place): Share | undefined {
  const { kind, request, limit, defaultRequest, defaultLimit } = asked;
  const own = podResources(pod);
  const [podRequest, podLimit] = [quantityNanos(own?.requests[kind]), quantityNanos(own?.limits[kind])];
  if (podRequest === undefined && podLimit === undefined) return undefined;
  const left = podRequest === undefined ? undefined : podRequest - requestedBeside(pod, kind, place);
  const room = left === undefined || left > 0n ? left : 0n;

  const most = limit ?? (defaultLimit === undefined ? undefined : atMost(defaultLimit, podLimit, kind));
  const share = { request: request ?? atMost(lesser(defaultRequest, most), room, kind), limit: most };
  if (kind === 'memory' && podLimit !== undefined && podLimit < nanos(MEMORY_LIMIT_MIN)) {
    const problem = `its limit of memory for the whole pod (spec.resources) is ${String(own?.limits[kind])}, and the sidecar alone needs ${MEMORY_LIMIT_MIN}`;
    return { ...share, problem };
  }
  if (limit !== undefined && podLimit !== undefined && nanos(limit) > podLimit) {
    const problem = `annotation ${PREFIX}${kind}-limit: ${limit} is more than the limit of the whole pod (spec.resources), ${String(own?.limits[kind])}`;
    return { ...share, problem };
  }
  if (request !== undefined && room !== undefined && nanos(request) > room) {
    const problem = `annotation ${PREFIX}${kind}-request: ${request} is more than its containers leave of the request of the whole pod (spec.resources), ${textOf(room, kind)} of ${String(own?.requests[kind])}`;
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
          `wechat-sidecar shares the resources of the whole pod (spec.resources), which leave it less than it is given elsewhere (${usual.join('; ')}): add that to them`,
        ]
      : []),
    ...(isLost
      ? [
          `the pod would be of the class Guaranteed, but for the annotations of ${PREFIX} that set requests under their limits`,
        ]
      : []),
  ];
}

interface PodResources {
  readonly requests: JsonObject;
  readonly limits: JsonObject;
}

/** Resources of the whole pod, which Kubernetes has from 1.34 on; undefined if it sets none. */
function podResources({ spec }: PodView): PodResources | undefined {
  const { requests, limits } = resourcesIn(spec);
  const isSet = KINDS.some((kind) => kind in requests || kind in limits);
  return isSet ? { requests, limits } : undefined;
}

function resourcesIn({ resources }: JsonObject): PodResources {
  const { requests, limits } = isObject(resources) ? resources : {};
  return { requests: isObject(requests) ? requests : {}, limits: isObject(limits) ? limits : {} };
}

/** As the kubelet reckons: the limits of every container are there, and are its requests. */
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
 * The most that others request while the sidecar runs: all containers and init containers that keep
 * running together, or before them one init container with those that keep running already.
 */
function requestedBeside({ containers, initContainers }: PodView, kind: Kind, place: Place): bigint {
  const requestOf = (container: JsonObject): bigint => {
    const { requests, limits } = resourcesIn(container);
    return quantityNanos(requests[kind]) ?? quantityNanos(limits[kind]) ?? 0n;
  };
  let running = 0n;
  let most = 0n;
  for (const [index, init] of initContainers.entries()) {
    const together = running + requestOf(init);
    if (init['restartPolicy'] === 'Always') running = together;
    if (place.mode === 'native' && index >= place.initIndex && together > most) most = together;
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

/** Rounded down to what suits the kind: thousandths of a processor, whole bytes. */
function textOf(amount: bigint, kind: Kind): string {
  if (amount === 0n) return '0';
  if (kind === 'cpu') return `${amount / 1_000_000n}m`;
  const bytes = amount / 1_000_000_000n;
  return bytes % MIB === 0n ? `${bytes / MIB}Mi` : String(bytes);
}
