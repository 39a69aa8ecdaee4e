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
import { isObject, type JsonObject, objects } from './pod.ts';
import type { ServerClock } from './server-clock.ts';
import { Sleeper } from './sleeper.ts';

export interface CertificateKeeperParts {
  readonly api: KubernetesApi;
  readonly namespace: string;
  /** Of the Secret that all replicas share. It must be there; making it takes a right that cannot be bound to a name. */
  readonly secretName: string;
  /** Of the MutatingWebhookConfiguration, whose webhooks are all ours. */
  readonly configurationName: string;
  readonly dnsNames: readonly string[];
  readonly policy: CertificatePolicy;
  readonly clock: Clock;
  /** By which certificates are dated and judged. */
  readonly serverClock: Pick<ServerClock, 'nowMs'>;
  readonly random: Random;
  readonly log: Log;
  /** Another certificate is to be shown from now on. */
  readonly onCertificate: (certificate: WebhookCertificate) => void;
  /** Somebody took our authority out of the webhook configuration, and it was put back. */
  readonly onRepair: () => void;
}

type Pass =
  | { readonly kind: 'settled' }
  /** Another replica was faster: look again. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'failed'; readonly why: string };

/** Between two looks, however often somebody else changes the configuration. */
const GAP_MS_MIN = 250;
const WATCH_SECONDS = 290;

/**
 * Keeps one certificate for all replicas in a Secret, and API servers trusting it. Replicas write by
 * compare-and-swap; the loser reads again and takes what the winner wrote.
 */
export class CertificateKeeper {
  readonly #parts: CertificateKeeperParts;
  readonly #log: Log;
  readonly #sleeper: Sleeper;
  readonly #watchSleeper: Sleeper;
  readonly #configurationPath: string;
  readonly #secretPath: string;
  #problem: string | undefined = 'the API server has not been asked yet';
  #isSettledOnce = false;
  #certificate: WebhookCertificate | undefined;
  /** The authority of the successor, and since when it has been seen to be trusted. */
  #nextTrusted: { readonly caPem: string; readonly sinceMs: number } | undefined;
  #published: string | undefined;
  #watch: Watch | undefined;
  #closed = false;

  constructor(parts: CertificateKeeperParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#sleeper = new Sleeper(parts.clock);
    this.#watchSleeper = new Sleeper(parts.clock);
    const { namespace, secretName, configurationName } = parts;
    this.#configurationPath = `${CONFIGURATIONS}/${configurationName}`;
    this.#secretPath = `/api/v1/namespaces/${namespace}/secrets/${secretName}`;
  }

  start(): void {
    void this.#keep();
    void this.#follow();
  }

  /** Why API servers cannot reach us yet; once they could, a failure to look again changes nothing for them. */
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
      if (!this.#isSettledOnce) this.#log.info('API servers trust the certificate of the webhook');
      this.#isSettledOnce = true;
      this.#problem = undefined;
    } else if (pass.kind === 'failed') {
      this.#problem = pass.why;
      if (!this.#closed)
        this.#log.warn('The certificate of the webhook could not be looked after', { why: pass.why });
    }
  }

  /**
   * The configuration is read before the Secret, and written only if it has not changed since: a replica
   * with an old Secret in hand can then never undo what a newer one published.
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
    // With the version that was read in its metadata, the write fails where another one came between.
    const outcome = await api.call({
      method: 'PUT',
      path: this.#secretPath,
      body: { ...secret, data: dataOf(after) },
    });
    if (outcome.kind === 'ok') {
      this.#log.info('The certificate of the webhook took a step', { step });
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
      this.#log.warn('Somebody changed the caBundle of the webhook configuration; it was put back', {
        configuration: this.#parts.configurationName,
      });
    }
    this.#published = wanted;
    return { kind: 'settled' };
  }

  #nextTrustedForMs({ next }: StoredCertificates, bundles: readonly unknown[]): number | undefined {
    const nowMs = this.#parts.clock.lifeMs();
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

  /** Looks at once when the configuration changes; without a watch, the regular look remains. */
  async #follow(): Promise<void> {
    const { api, configurationName, random, clock } = this.#parts;
    const path = `${CONFIGURATIONS}?watch=1&timeoutSeconds=${WATCH_SECONDS}&fieldSelector=metadata.name%3D${configurationName}`;
    let failures = 0;
    while (!this.#closed) {
      const startedMs = clock.lifeMs();
      this.#watch = api.watch(path, () => this.#sleeper.wake());
      const why = await this.#watch.ended;
      failures = clock.lifeMs() - startedMs > 10_000 ? 0 : failures + 1;
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
