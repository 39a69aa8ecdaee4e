import { fingerprintOf, Secret } from '../base/secret.ts';
import { TOKEN_MODES } from '../token/token.ts';
import type { RedisTarget } from './redis-client.ts';
import { RedisLinks, type RedisLinksParts } from './redis-links.ts';
import { CHARGE, DOUBT, KEEP, PUBLISH, READ, RELEASE, type Script, TAKE } from './redis-scripts.ts';
import { isEncrypted, type TokenCipher } from './cipher.ts';
import type {
  StoreUnavailable,
  Pause,
  RecordsListener,
  SharedAccount,
  SharedRecord,
  SharedRecords,
  Snapshot,
  Acquired,
} from './shared-records.ts';
import { reasonOf } from './redis-errors.ts';

/** Expiry of unused accounts in Redis: longer than any token's lifetime and the quota's day. */
const KEPT_MS = 3 * 24 * 3_600_000;

const UNAVAILABLE: StoreUnavailable = { kind: 'unavailable' };

export interface RedisRecordsParts extends Omit<RedisLinksParts, 'channel' | 'trialKey'> {
  readonly keyPrefix: string;
  readonly cipher: TokenCipher;
}

/** The records of all accounts in Redis. */
export class RedisRecords implements SharedRecords {
  readonly #parts: RedisRecordsParts;
  readonly #links: RedisLinks;
  readonly #channel: string;
  #listener: RecordsListener | undefined;

  constructor(parts: RedisRecordsParts) {
    this.#parts = parts;
    this.#channel = `${parts.keyPrefix}changed`;
    this.#links = new RedisLinks(
      { ...parts, channel: this.#channel, trialKey: `${parts.keyPrefix}trial` },
      {
        connected: () => this.#listener?.connected(),
        disconnected: () => this.#listener?.disconnected(),
        message: (text) => this.#onMessage(text),
      },
    );
  }

  async read(account: SharedAccount): Promise<Snapshot | StoreUnavailable> {
    const reply = await this.#run(READ, account, []);
    return reply === undefined ? UNAVAILABLE : this.#snapshot(account, reply);
  }

  async acquire(
    account: SharedAccount,
    owner: string,
    floor: number,
    leaseMs: number,
  ): Promise<Acquired | StoreUnavailable> {
    const reply = await this.#run(TAKE, account, [owner, leaseMs, floor]);
    if (reply === undefined) return UNAVAILABLE;
    const generation = (reply as Reply)[5];
    return { ...this.#snapshot(account, reply, owner), ...(generation > 0 && { generation }) };
  }

  async renew(
    account: SharedAccount,
    owner: string,
    leaseMs: number,
  ): Promise<'ours' | 'lost' | 'unavailable'> {
    const reply = await this.#run(KEEP, account, [owner, leaseMs]);
    if (reply === undefined) return 'unavailable';
    return reply === 1 ? 'ours' : 'lost';
  }

  async release(account: SharedAccount, owner: string): Promise<void> {
    await this.#run(RELEASE, account, [owner]);
  }

  async publish(
    account: SharedAccount,
    record: SharedRecord,
    pause?: Pause,
  ): Promise<'stored' | 'older' | 'unavailable'> {
    const { generation, value, fingerprint, issuedAtUnixMs, expiresAtUnixMs } = record;
    const sealed = this.#parts.cipher.encrypt(value.reveal(), associatedDataOf(account, record));
    const reply = await this.#run(PUBLISH, account, [
      pause?.owner ?? '',
      pause?.forMs ?? 0,
      generation,
      fingerprint,
      issuedAtUnixMs,
      expiresAtUnixMs,
      sealed,
      KEPT_MS,
      this.#channel,
      messageOf(account),
    ]);
    if (reply === undefined) return 'unavailable';
    return reply === 1 ? 'stored' : 'older';
  }

  async doubt(account: SharedAccount, fingerprint: string): Promise<void> {
    await this.#run(DOUBT, account, [fingerprint, DOUBT_MS, this.#channel, messageOf(account)]);
  }

  async addForced(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean> {
    return (await this.#run(CHARGE, account, [KEPT_MS, ...atUnixMs])) !== undefined;
  }

  listen(listener: RecordsListener): void {
    this.#listener = listener;
  }

  /** Applies new settings as soon as they work. */
  use(target: RedisTarget): void {
    this.#links.use(target);
  }

  close(): Promise<void> {
    return this.#links.close();
  }

  /** Runs a script on the keys of one account, which a Cluster keeps on one node. */
  #run(script: Script, account: SharedAccount, args: readonly (string | number)[]): Promise<unknown> {
    const { keyPrefix } = this.#parts;
    const base = `${keyPrefix}{${account.mode}:${account.appid}}`;
    const keys = [`${base}:token`, `${base}:turn`, `${base}:forced`, `${base}:doubt`];
    return this.#links.run(messageOf(account), (redis) =>
      redis.evalsha(script.sha, keys.length, ...keys, ...args).catch((error: unknown) => {
        if (reasonOf(error) !== 'NOSCRIPT') throw error;
        return redis.eval(script.lua, keys.length, ...keys, ...args);
      }),
    );
  }

  #snapshot(account: SharedAccount, reply: unknown, owner?: string): Snapshot {
    const [nowUnixMs, stored, by, leftMs, forced, , doubted] = reply as Reply;
    const forcedAtUnixMs = forced.map(Number);
    const lease =
      by === null ? {} : { owner: by.replace(/\/\d+$/, ''), lease: { isOurs: by === owner, leftMs } };
    const doubt = typeof doubted === 'string' && { doubted };
    const base = {
      kind: 'seen' as const,
      nowUnixMs,
      forcedAtUnixMs,
      isUndecryptable: false,
      ...lease,
      ...doubt,
    };
    const [generation, fingerprint, issued, expires, value, dated] = stored;
    if (value == null || generation == null || fingerprint == null) return base;
    const written = {
      generation: Number(generation),
      fingerprint,
      issuedAtUnixMs: Number(issued),
      expiresAtUnixMs: Number(expires),
    };
    const text = this.#parts.cipher.decrypt(value, associatedDataOf(account, written));
    const record = notAhead(written, dated ?? '');
    if (text === undefined) return { ...base, record, isUndecryptable: true, isInClear: !isEncrypted(value) };
    if (!isSound(written, text)) return base;
    return { ...base, record, readable: { ...record, value: new Secret(text) } };
  }

  #onMessage(text: string): void {
    const [, word, appid] = /^(\w+) (.{1,64})$/.exec(text) ?? [];
    const mode = TOKEN_MODES.find((known) => known === word);
    if (mode !== undefined && appid !== undefined) this.#listener?.changed({ appid, mode });
  }
}

/** Whether a hub can have written this record: others may write to these keys too. */
function isSound(record: Omit<SharedRecord, 'value'>, text: string): boolean {
  const { fingerprint, issuedAtUnixMs, expiresAtUnixMs } = record;
  const lifeMs = expiresAtUnixMs - issuedAtUnixMs;
  return text !== '' && fingerprint === fingerprintOf(text) && lifeMs > 0 && lifeMs <= LIFE_MS_MAX;
}

/** Corrects times that are ahead of Redis's clock: see the scripts. */
function notAhead(written: Omit<SharedRecord, 'value'>, dated: string): Omit<SharedRecord, 'value'> {
  const { generation, issuedAtUnixMs, expiresAtUnixMs } = written;
  const [, of, at] = /^(\S+) (\d+)$/.exec(dated) ?? [];
  if (Number(of) !== generation || !(Number(at) < issuedAtUnixMs)) return written;
  const aheadMs = issuedAtUnixMs - Number(at);
  return { ...written, issuedAtUnixMs: Number(at), expiresAtUnixMs: expiresAtUnixMs - aheadMs };
}

function messageOf({ mode, appid }: SharedAccount): string {
  return `${mode} ${appid}`;
}

/** Long enough for every owner's next reading of the store, in case the message is lost. */
const DOUBT_MS = 30_000;

/** Longer than any token lives. */
const LIFE_MS_MAX = 7 * 86_400_000;

/** The reply of the scripts. */
type Reply = readonly [
  nowUnixMs: number,
  stored: readonly (string | null | undefined)[],
  owner: string | null,
  leftMs: number,
  forced: readonly string[],
  generation: number,
  doubted: string | null | undefined,
];

/** The cipher's associated data: a stored token is not valid for another account, mode, generation or lifetime. */
function associatedDataOf({ appid, mode }: SharedAccount, record: Omit<SharedRecord, 'value'>): string {
  const { generation, fingerprint, issuedAtUnixMs, expiresAtUnixMs } = record;
  return [appid, mode, generation, fingerprint, issuedAtUnixMs, expiresAtUnixMs].join(' ');
}
