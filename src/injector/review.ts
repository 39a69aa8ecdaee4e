import { isObject, type JsonObject } from '../base/json.ts';
import { inject, type InjectionContext } from './inject.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';

/** What happened to a pod, for metrics and the log. */
export interface ReviewOutcome {
  readonly result: 'injected' | 'skipped' | 'refused';
  readonly reason: string;
  readonly namespace: string;
  /** Its name, or its generateName. */
  readonly pod: string;
  readonly message?: string;
}

export type Review =
  | { readonly kind: 'answer'; readonly body: JsonObject; readonly outcome: ReviewOutcome }
  /** Not something that an API server sends. One sentence. */
  | { readonly kind: 'malformed'; readonly message: string };

const API_VERSION = 'admission.k8s.io/v1';
export const MALFORMED: string = `Cannot read the body as an AdmissionReview of ${API_VERSION}.`;
/** API servers use 36 characters. */
const UID_CHARACTERS_MAX = 128;
/** The longest name that Kubernetes allows; a longer one does not come from an API server. */
const NAME_CHARACTERS_MAX = 253;

/**
 * The response to an AdmissionReview. If a pod cannot be injected, the response is `allowed: false` with a
 * message: an HTTP error would mean that the injector failed.
 */
export function review(
  raw: unknown,
  settings: InjectionSettings,
  cluster: Pick<InjectionContext, 'nativeSupported'>,
): Review {
  const request = requestOf(raw);
  if (request === undefined) return { kind: 'malformed', message: MALFORMED };
  const { uid, namespace, object, isPodCreation } = request;
  const injection = isPodCreation
    ? inject(object, settings, { ...cluster, namespace })
    : ({ kind: 'skip', reason: 'not_a_pod' } as const);
  const about = { namespace, pod: nameOf(object) };
  const answer = (response: JsonObject): JsonObject => ({
    apiVersion: API_VERSION,
    kind: 'AdmissionReview',
    response: { uid, ...response },
  });
  switch (injection.kind) {
    case 'inject': {
      const patch = Buffer.from(JSON.stringify(injection.operations)).toString('base64');
      const { warnings } = injection;
      return {
        kind: 'answer',
        body: answer({
          allowed: true,
          patchType: 'JSONPatch',
          patch,
          ...(warnings.length > 0 && { warnings }),
        }),
        outcome: { result: 'injected', reason: 'none', ...about },
      };
    }
    case 'skip':
      return {
        kind: 'answer',
        body: answer({ allowed: true }),
        outcome: { result: 'skipped', reason: injection.reason, ...about },
      };
    case 'refuse': {
      const { message } = injection;
      return {
        kind: 'answer',
        body: answer({ allowed: false, status: { code: 422, reason: 'Invalid', message } }),
        outcome: { result: 'refused', reason: 'none', message, ...about },
      };
    }
  }
}

interface ReviewRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly object: unknown;
  readonly isPodCreation: boolean;
}

function requestOf(raw: unknown): ReviewRequest | undefined {
  if (!isObject(raw) || raw['apiVersion'] !== API_VERSION || raw['kind'] !== 'AdmissionReview') {
    return undefined;
  }
  const { request } = raw;
  if (!isObject(request)) return undefined;
  const { uid, namespace, object, operation, resource, subResource } = request;
  if (typeof uid !== 'string' || uid.length > UID_CHARACTERS_MAX) return undefined;
  const { group, version, resource: plural } = isObject(resource) ? resource : {};
  return {
    uid,
    namespace: nameIn(namespace),
    object,
    isPodCreation:
      operation === 'CREATE' &&
      group === '' &&
      version === 'v1' &&
      plural === 'pods' &&
      (subResource ?? '') === '',
  };
}

function nameOf(object: unknown): string {
  const metadata = isObject(object) && isObject(object['metadata']) ? object['metadata'] : {};
  return nameIn(metadata['name'] ?? metadata['generateName']);
}

function nameIn(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, NAME_CHARACTERS_MAX) : '';
}
