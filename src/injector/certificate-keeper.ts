import { isObject, type JsonObject } from '../base/json.ts';
import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { type ApiOutcome, type KubernetesApi, type Watch, whyNot } from '../kubernetes/api.ts';
import { makeWebhookCertificate, type WebhookCertificate } from './certificate.ts';
import {
  afterStep,
  type CertificatePolicy,
  type CertificateStep,
  dataOf,
  nextStep,
  readStored,
  type StoredCertificates,
  trustBundle,
} from './certificate-plan.ts';
import { objects } from './pod.ts';
import type { ServerClock } from './server-clock.ts';
import { Delay } from './delay.ts';

export interface CertificateKeeperParts {
  readonly api: KubernetesApi;
  readonly namespace: string;
  /**
   * The Secret that all replicas share. It must exist already: RBAC cannot limit the right to create
   * objects to one name.
   */
  readonly secretName: string;
  /** The MutatingWebhookConfiguration; all of its webhooks are ours. */
  readonly configurationName: string;
  readonly dnsNames: readonly string[];
  readonly policy: CertificatePolicy;
  readonly clock: Clock;
  /** The clock by which certificates are dated and checked. */
  readonly serverClock: Pick<ServerClock, 'nowMs'>;
  readonly random: Random;
  readonly log: Log;
  /** Called when a different certificate must be served. */
  readonly onCertificate: (certificate: WebhookCertificate) => void;
  /** Called after our CA was removed from the webhook configuration and has been restored. */
  readonly onRepair: () => void;
}

type Pass =
  | { readonly kind: 'settled' }
  /** Another replica wrote first: read again. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'failed'; readonly why: string };

/** Minimum time between two passes, however often the configuration is changed. */
const GAP_MS_MIN = 250;
const WATCH_SECONDS = 290;

/**
 * Keeps one certificate for all replicas in a Secret and makes API servers trust it. Replicas write with
 * compare-and-swap; the loser reads again and takes over what the winner wrote.
 */
export class CertificateKeeper {
  readonly #parts: CertificateKeeperParts;
  readonly #log: Log;
  readonly #sleeper: Delay;
  readonly #watchSleeper: Delay;
  readonly #configurationPath: string;
  readonly #secretPath: string;
  #problem: string | undefined = 'the API server has not been asked yet';
  #isSettledOnce = false;
  #certificate: WebhookCertificate | undefined;
  /** The successor's CA, and since when the configuration has been seen to trust it. */
  #nextTrusted: { readonly caPem: string; readonly sinceMs: number } | undefined;
  #published: string | undefined;
  #watch: Watch | undefined;
  #closed = false;

  constructor(parts: CertificateKeeperParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#sleeper = new Delay(parts.clock);
    this.#watchSleeper = new Delay(parts.clock);
    const { namespace, secretName, configurationName } = parts;
    this.#configurationPath = `${CONFIGURATIONS}/${configurationName}`;
    this.#secretPath = `/api/v1/namespaces/${namespace}/secrets/${secretName}`;
  }

  start(): void {
    void this.#keep();
    void this.#follow();
  }

  /**
   * Why API servers cannot reach us yet. After the first success, a failed pass changes nothing for them
   * and is not reported here.
   */
  problem(): string | undefined {
    return this.#isSettledOnce ? undefined : this.#problem;
  }

  /** For `/status`. */
  status(): { readonly problem: string | null } {
    return { problem: this.#problem ?? null };
  }

  close(): void {
    this.#closed = true;
    this.#sleeper.wake();
    this.#watchSleeper.wake();
    this.#watch?.close();
  }

  async #keep(): Promise<void> {
    const { random, policy } = this.#parts;
    let failures = 0;
    while (!this.#closed) {
      const pass = await this.#pass();
      this.#note(pass);
      failures = pass.kind === 'settled' ? 0 : failures + 1;
      await this.#sleeper.rest(GAP_MS_MIN * (1 + random()));
      if (pass.kind === 'settled') await this.#sleeper.sleep(policy.checkEveryMs * (0.75 + random() / 2));
      if (pass.kind === 'failed') await this.#sleeper.sleep(backoffMs(failures, random, 500, 30_000));
    }
  }

  #note(pass: Pass): void {
    if (pass.kind === 'settled') {
      if (!this.#isSettledOnce) this.#log.info('webhook certificate is trusted by the API server');
      this.#isSettledOnce = true;
      this.#problem = undefined;
    } else if (pass.kind === 'failed') {
      this.#problem = pass.why;
      if (!this.#closed) this.#log.warn('webhook certificate maintenance failed', { why: pass.why });
    }
  }

  /**
   * Reads the configuration before the Secret, and writes it only if it has not changed since. A replica
   * that holds an old Secret can therefore never undo what a newer one published.
   */
  async #pass(): Promise<Pass> {
    const configuration = await this.#get(this.#configurationPath);
    if (configuration.kind !== 'ok')
      return failedAt(`webhook configuration ${this.#parts.configurationName}`, configuration);
    const secret = await this.#get(this.#secretPath);
    if (secret.kind !== 'ok') return failedAt(`Secret ${this.#parts.secretName}`, secret);

    const stored = readStored(isObject(secret.body['data']) ? secret.body['data'] : {});
    const bundles = bundlesOf(configuration.body);
    if (bundles.length === 0) {
      return {
        kind: 'failed',
        why: `webhook configuration ${this.#parts.configurationName}: has no webhooks`,
      };
    }
    const { dnsNames, policy, serverClock } = this.#parts;
    const trustedForMs = this.#nextTrustedForMs(stored, bundles);
    const step = nextStep(stored, dnsNames, serverClock.nowMs(), trustedForMs, policy);
    let current = stored;
    if (step !== 'keep') {
      const written = await this.#write(secret.body, stored, step);
      if (written.kind !== 'stored') return written;
      current = written.stored;
    }
    this.#show(current);
    return this.#publish(configuration.body, bundles, trustBundle(current));
  }

  async #write(
    secret: JsonObject,
    stored: StoredCertificates,
    step: Exclude<CertificateStep, 'keep'>,
  ): Promise<
    Exclude<Pass, { kind: 'settled' }> | { readonly kind: 'stored'; readonly stored: StoredCertificates }
  > {
    const { dnsNames, policy, serverClock, random, api, secretName } = this.#parts;
    const successor =
      step === 'promote' && stored.next !== undefined
        ? stored.next
        : await makeWebhookCertificate(dnsNames, serverClock.nowMs(), policy.lifeMs, random);
    const after = afterStep(stored, step, successor);
    // The metadata contains the resource version that was read, so the write fails if somebody else wrote
    // in between.
    const outcome = await api.call({
      method: 'PUT',
      path: this.#secretPath,
      body: { ...secret, data: dataOf(after) },
    });
    if (outcome.kind === 'ok') {
      this.#log.info('webhook certificate step', { step });
      return { kind: 'stored', stored: after };
    }
    return isConflict(outcome) ? { kind: 'conflict' } : failedAt(`Secret ${secretName}`, outcome);
  }

  #show({ current }: StoredCertificates): void {
    if (current === undefined || current.certPem === this.#certificate?.certPem) return;
    this.#certificate = current;
    this.#parts.onCertificate(current);
  }

  async #publish(configuration: JsonObject, bundles: readonly unknown[], bundle: string): Promise<Pass> {
    const wanted = Buffer.from(bundle).toString('base64');
    if (bundles.every((given) => given === wanted)) {
      this.#published = wanted;
      return { kind: 'settled' };
    }
    const outcome = await this.#parts.api.call({
      method: 'PATCH',
      path: this.#configurationPath,
      contentType: 'application/json-patch+json',
      body: [
        { op: 'add', path: '/metadata/resourceVersion', value: versionOf(configuration) },
        ...bundles.map((_, index) => ({
          op: 'add',
          path: `/webhooks/${index}/clientConfig/caBundle`,
          value: wanted,
        })),
      ],
    });
    if (outcome.kind !== 'ok') {
      if (isConflict(outcome)) return { kind: 'conflict' };
      return failedAt(`webhook configuration ${this.#parts.configurationName}`, outcome);
    }
    if (this.#published === wanted) {
      this.#parts.onRepair();
      this.#log.warn('caBundle of the webhook configuration was changed; restored', {
        configuration: this.#parts.configurationName,
      });
    }
    this.#published = wanted;
    return { kind: 'settled' };
  }

  #nextTrustedForMs({ next }: StoredCertificates, bundles: readonly unknown[]): number | undefined {
    const nowMs = this.#parts.clock.monotonicMs();
    const isTrusted =
      next !== undefined &&
      bundles.every((bundle) => Buffer.from(String(bundle), 'base64').includes(next.caPem));
    if (!isTrusted) this.#nextTrusted = undefined;
    else if (this.#nextTrusted?.caPem !== next.caPem)
      this.#nextTrusted = { caPem: next.caPem, sinceMs: nowMs };
    return this.#nextTrusted === undefined ? undefined : nowMs - this.#nextTrusted.sinceMs;
  }

  async #get(path: string): Promise<Exclude<ApiOutcome, { kind: 'ok' }> | { kind: 'ok'; body: JsonObject }> {
    const outcome = await this.#parts.api.call({ method: 'GET', path });
    if (outcome.kind !== 'ok') return outcome;
    return isObject(outcome.body)
      ? { kind: 'ok', body: outcome.body }
      : { kind: 'failed', reason: 'unreadable_answer' };
  }

  /** Starts a pass as soon as the configuration changes; without a watch, the periodic pass remains. */
  async #follow(): Promise<void> {
    const { api, configurationName, random, clock } = this.#parts;
    const path = `${CONFIGURATIONS}?watch=1&timeoutSeconds=${WATCH_SECONDS}&fieldSelector=metadata.name%3D${configurationName}`;
    let failures = 0;
    while (!this.#closed) {
      const startedMs = clock.monotonicMs();
      this.#watch = api.watch(path, () => this.#sleeper.wake());
      const why = await this.#watch.ended;
      failures = clock.monotonicMs() - startedMs > 10_000 ? 0 : failures + 1;
      if (!this.#closed) this.#log.debug('The watch of the webhook configuration ended', { why });
      await this.#watchSleeper.sleep(backoffMs(failures, random, 500, 30_000));
    }
  }
}

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

function failedAt(what: string, outcome: Exclude<ApiOutcome, { kind: 'ok' }>): Pass & { kind: 'failed' } {
  return { kind: 'failed', why: `${what}: ${whyNot(outcome)}` };
}

function isConflict(outcome: ApiOutcome): boolean {
  return outcome.kind === 'refused' && outcome.status === 409;
}

function bundlesOf(configuration: JsonObject): readonly unknown[] {
  return objects(configuration['webhooks']).map((webhook) =>
    isObject(webhook['clientConfig']) ? webhook['clientConfig']['caBundle'] : undefined,
  );
}

function versionOf({ metadata }: JsonObject): unknown {
  return isObject(metadata) ? metadata['resourceVersion'] : undefined;
}
