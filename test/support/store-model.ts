import { fingerprintOf, Secret } from '../../src/base/secret.ts';
import type {
  StoreUnavailable,
  Pause,
  RecordsListener,
  SharedAccount,
  SharedRecord,
  SharedRecords,
  Snapshot,
  Acquired,
} from '../../src/store/shared-records.ts';
import { policyFor } from '../../src/token/policy.ts';

/**
 * What the scripts of `redis-scripts.ts` do, written down a second time and without Redis: pure functions of
 * what is stored for one account and of the store's clock. `test/store/store-model.test.ts` runs both side by side.
 */

const DAY_MS = 86_400_000;
const DOUBT_MS = 30_000;
const LIFE_MS_MAX = 7 * DAY_MS;
const RATION = policyFor('stable').quota;

/** What is stored for one account in one mode. Never changed, only replaced. */
export interface Place {
  readonly record: SharedRecord | undefined;
  /** When a record that was dated ahead of the store's clock was first read. */
  readonly dated: { readonly generation: number; readonly atMs: number } | undefined;
  readonly lease: { readonly owner: string; readonly untilMs: number } | undefined;
  readonly forced: readonly number[];
  readonly doubted: { readonly fingerprint: string; readonly untilMs: number } | undefined;
}

export const EMPTY: Place = {
  record: undefined,
  dated: undefined,
  lease: undefined,
  forced: [],
  doubted: undefined,
};

/** What a command leaves behind, and what it answers. */
export interface Done<Answer> {
  readonly place: Place;
  readonly answer: Answer;
  /** The other holders are told. */
  readonly isTold?: true;
}

export type Command<Answer> = (place: Place, nowMs: number) => Done<Answer>;

/** Without what has expired. */
export function asOf(place: Place, nowMs: number): Place {
  const { lease, doubted } = place;
  const isOver = lease !== undefined && lease.untilMs <= nowMs;
  const isForgotten = doubted !== undefined && doubted.untilMs <= nowMs;
  if (!isOver && !isForgotten) return place;
  return { ...place, ...(isOver && { lease: undefined }), ...(isForgotten && { doubted: undefined }) };
}

export function readCommand(): Command<Snapshot> {
  return (stored, nowMs) => {
    const place = settled(asOf(stored, nowMs), nowMs);
    return { place, answer: snapshotOf(place, nowMs) };
  };
}

export function acquireCommand(owner: string, floor: number, leaseMs: number): Command<Acquired> {
  return (stored, nowMs) => {
    const before = settled(asOf(stored, nowMs), nowMs);
    if (before.lease !== undefined && before.lease.owner !== owner) {
      return { place: before, answer: snapshotOf(before, nowMs, owner) };
    }
    const place = { ...before, lease: { owner, untilMs: nowMs + leaseMs } };
    const generation = Math.max(nowMs, (place.record?.generation ?? 0) + 1, floor + 1);
    return { place, answer: { ...snapshotOf(place, nowMs, owner), generation } };
  };
}

export function renewCommand(owner: string, leaseMs: number): Command<'ours' | 'lost'> {
  return (stored, nowMs) => {
    const place = asOf(stored, nowMs);
    if (place.lease !== undefined && place.lease.owner !== owner) return { place, answer: 'lost' };
    return { place: { ...place, lease: { owner, untilMs: nowMs + leaseMs } }, answer: 'ours' };
  };
}

export function releaseCommand(owner: string): Command<true> {
  return (stored, nowMs) => {
    const place = asOf(stored, nowMs);
    return { place: place.lease?.owner === owner ? { ...place, lease: undefined } : place, answer: true };
  };
}

export function publishCommand(record: SharedRecord, pause?: Pause): Command<'stored' | 'older'> {
  return (stored, nowMs) => {
    const place = asOf(stored, nowMs);
    if (record.generation <= (place.record?.generation ?? 0)) return { place, answer: 'older' };
    const isPaused = pause !== undefined && (place.lease === undefined || place.lease.owner === pause.owner);
    const lease = isPaused ? { owner: 'nobody/0', untilMs: nowMs + pause.forMs } : place.lease;
    return { place: { ...place, record, lease }, answer: 'stored', isTold: true };
  };
}

export function doubtCommand(fingerprint: string): Command<true> {
  return (stored, nowMs) => {
    const doubted = { fingerprint, untilMs: nowMs + DOUBT_MS };
    return { place: { ...asOf(stored, nowMs), doubted }, answer: true, isTold: true };
  };
}

export function addForcedCommand(atUnixMs: readonly number[]): Command<true> {
  return (stored, nowMs) => {
    const place = asOf(stored, nowMs);
    const all = [...place.forced, ...atUnixMs.map((atMs) => Math.min(atMs, nowMs))];
    return {
      place: { ...place, forced: inOrder(all).filter((atMs) => atMs > nowMs - DAY_MS) },
      answer: true,
    };
  };
}

/** What another clock has dated ahead counts as now from when it is first read, so that it ages. */
function settled(place: Place, nowMs: number): Place {
  const { record, dated, forced } = place;
  const aheads = forced.filter((atMs) => atMs > nowMs).length;
  const isAhead = record !== undefined && record.issuedAtUnixMs > nowMs;
  const isDated = dated !== undefined && dated.generation === record?.generation && dated.atMs <= nowMs;
  if (aheads === 0 && (!isAhead || isDated)) return place;
  const spaced = Array.from(
    { length: Math.min(aheads, RATION.max) },
    (_, back) => nowMs - back * RATION.spacingMs,
  );
  return {
    ...place,
    forced: inOrder([...forced.filter((atMs) => atMs <= nowMs), ...spaced]),
    ...(isAhead && !isDated && { dated: { generation: record.generation, atMs: nowMs } }),
  };
}

function snapshotOf(place: Place, nowUnixMs: number, owner?: string): Snapshot {
  const { lease, forced, doubted } = place;
  const readable = readableOf(place);
  return {
    kind: 'seen',
    nowUnixMs,
    isUndecryptable: false,
    forcedAtUnixMs: forced.filter((atMs) => atMs >= nowUnixMs - DAY_MS),
    ...(doubted !== undefined && { doubted: doubted.fingerprint }),
    ...(readable !== undefined && { record: readable, readable }),
    ...(lease !== undefined && {
      owner: lease.owner.replace(/\/\d+$/, ''),
      lease: { isOurs: lease.owner === owner, leftMs: lease.untilMs - nowUnixMs },
    }),
  };
}

/** With the dates that count; undefined where no hub can have written it. */
function readableOf({ record, dated }: Place): SharedRecord | undefined {
  if (record === undefined) return undefined;
  const { generation, issuedAtUnixMs, expiresAtUnixMs } = record;
  const lifeMs = expiresAtUnixMs - issuedAtUnixMs;
  if (!isSound(record)) return undefined;
  if (dated?.generation !== generation || dated.atMs >= issuedAtUnixMs) return record;
  return { ...record, issuedAtUnixMs: dated.atMs, expiresAtUnixMs: dated.atMs + lifeMs };
}

const sound = new WeakMap<SharedRecord, boolean>();

/** Whether a hub can have written it; remembered, since simulations read the same record again and again. */
function isSound(record: SharedRecord): boolean {
  const known = sound.get(record);
  if (known !== undefined) return known;
  const lifeMs = record.expiresAtUnixMs - record.issuedAtUnixMs;
  const is =
    record.fingerprint === fingerprintOf(record.value.reveal()) && lifeMs > 0 && lifeMs <= LIFE_MS_MAX;
  sound.set(record, is);
  return is;
}

function inOrder(times: readonly number[]): readonly number[] {
  return [...new Set(times)].toSorted((a, b) => a - b);
}

/** A record as a hub writes it, of two hours unless said otherwise. */
export function recordOf(
  value: string,
  generation: number,
  issuedAtUnixMs: number,
  lifeMs = 7_200_000,
): SharedRecord {
  return {
    generation,
    value: new Secret(value),
    fingerprint: fingerprintOf(value),
    issuedAtUnixMs,
    expiresAtUnixMs: issuedAtUnixMs + lifeMs,
  };
}

/** Every command of the model. */
export const MODEL = {
  read: readCommand,
  acquire: acquireCommand,
  renew: renewCommand,
  release: releaseCommand,
  publish: publishCommand,
  doubt: doubtCommand,
  addForced: addForcedCommand,
} as const;
export type Model = typeof MODEL;

const UNAVAILABLE: StoreUnavailable = { kind: 'unavailable' };

/** One holder's records in a store that is a model; how its commands get there is another matter. */
export abstract class ModelRecords implements SharedRecords {
  protected listener: RecordsListener | undefined;

  /** Undefined where no answer comes; the command may have been carried out all the same. */
  protected abstract run<Answer>(
    account: SharedAccount,
    command: Command<Answer>,
  ): Promise<Answer | undefined>;

  abstract close(): Promise<void>;

  async read(account: SharedAccount): Promise<Snapshot | StoreUnavailable> {
    return (await this.run(account, readCommand())) ?? UNAVAILABLE;
  }

  async acquire(
    account: SharedAccount,
    owner: string,
    floor: number,
    leaseMs: number,
  ): Promise<Acquired | StoreUnavailable> {
    return (await this.run(account, acquireCommand(owner, floor, leaseMs))) ?? UNAVAILABLE;
  }

  async renew(
    account: SharedAccount,
    owner: string,
    leaseMs: number,
  ): Promise<'ours' | 'lost' | 'unavailable'> {
    return (await this.run(account, renewCommand(owner, leaseMs))) ?? 'unavailable';
  }

  async release(account: SharedAccount, owner: string): Promise<void> {
    await this.run(account, releaseCommand(owner));
  }

  async publish(
    account: SharedAccount,
    record: SharedRecord,
    pause?: Pause,
  ): Promise<'stored' | 'older' | 'unavailable'> {
    return (await this.run(account, publishCommand(record, pause))) ?? 'unavailable';
  }

  async doubt(account: SharedAccount, fingerprint: string): Promise<void> {
    await this.run(account, doubtCommand(fingerprint));
  }

  async addForced(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean> {
    return (await this.run(account, addForcedCommand(atUnixMs))) ?? false;
  }

  listen(listener: RecordsListener): void {
    this.listener = listener;
  }
}

/** Under which an account's place is kept. */
export function keyOf({ appid, mode }: SharedAccount): string {
  return `${mode} ${appid}`;
}
