import { isObject } from '../base/json.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type KubernetesApi, whyNot } from '../kubernetes/api.ts';

/**
 * From this minor version of 1.x on, sidecar containers (init containers that keep running) are supported.
 */
const NATIVE_SINCE_MINOR = 29;
const ASK_EVERY_MS = 600_000;
const ASK_AGAIN_MS = 10_000;

/** The version of the cluster. Asked for periodically, because clusters are upgraded while we run. */
export class ClusterVersion {
  readonly #api: Pick<KubernetesApi, 'call'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onAnswer: () => void;
  #version: string | undefined;
  #timer: Timer | undefined;
  #closed = false;

  /** `onAnswer` is called after every response of the API server. */
  constructor(api: Pick<KubernetesApi, 'call'>, clock: Clock, log: Log, onAnswer: () => void) {
    this.#api = api;
    this.#clock = clock;
    this.#log = log;
    this.#onAnswer = onAnswer;
  }

  /** Such as `1.34`; undefined until the API server has answered. */
  version(): string | undefined {
    return this.#version;
  }

  /** True until the API server says otherwise: every version that is still maintained supports them. */
  nativeSupported(): boolean {
    return this.#version === undefined || supportsNative(this.#version);
  }

  async ask(): Promise<void> {
    const outcome = await this.#api.call({ method: 'GET', path: '/version' });
    if (this.#closed) return;
    this.#onAnswer();
    const version = outcome.kind === 'ok' ? versionIn(outcome.body) : undefined;
    if (outcome.kind !== 'ok') {
      this.#log.warn('cluster version not known yet', { why: whyNot(outcome) });
    } else if (version !== this.#version) {
      this.#version = version;
      this.#log.info('cluster version', { version, nativeSidecars: this.nativeSupported() });
    }
    this.#timer = this.#clock.after(
      version === undefined ? ASK_AGAIN_MS : ASK_EVERY_MS,
      () => void this.ask(),
    );
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }
}

/** Managed clusters append a plus to the minor version: `34+`. */
function versionIn(body: unknown): string | undefined {
  if (!isObject(body)) return undefined;
  const [major, minor] = [body['major'], body['minor']].map((part) => /^\d+/.exec(String(part))?.[0]);
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}`;
}

function supportsNative(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return (major ?? 0) > 1 || ((major ?? 0) === 1 && (minor ?? 0) >= NATIVE_SINCE_MINOR);
}
