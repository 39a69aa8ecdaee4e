import { fingerprintOf } from '../../src/base/secret.ts';
import type {
  Away,
  Pause,
  RecordsListener,
  SharedAccount,
  SharedRecord,
  SharedRecords,
  Snapshot,
  Taken,
} from '../../src/store/shared-records.ts';
import { policyFor } from '../../src/token/policy.ts';

/**
 * What the scripts of `redis-scripts.ts` do, written down a second time and without Redis: pure functions of
 * what is stored for one account and of the store's clock. `test/store/store-model.test.ts` runs both side by side.
 */

const DAY_MS = 86_400_000;
const DOUBT_MS = 30_000;
const LIFE_MS_MAX = 7 * DAY_MS;
const RATION = policyFor('stable').ration;

/** What is stored for one account in one mode. Never changed, only replaced. */
export interface Place {
  readonly record: SharedRecord | undefined;
  /** When a record that was dated ahead of the store's clock was first read. */
  readonly dated: { readonly generation: number; readonly atMs: number } | undefined;
  readonly turn: { readonly owner: string; readonly untilMs: number } | undefined;
  readonly forced: readonly number[];
  readonly doubted: { readonly fingerprint: string; readonly untilMs: number } | undefined;
}

export const EMPTY: Place = {
  record: undefined,
  dated: undefined,
  turn: undefined,
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
  const { turn, doubted } = place;
  const isOver = turn !== undefined && turn.untilMs <= nowMs;
  const isForgotten = doubted !== undefined && doubted.untilMs <= nowMs;
  if (!isOver && !isForgotten) return place;
  return { ...place, ...(isOver && { turn: undefined }), ...(isForgotten && { doubted: undefined }) };
}

export function readCommand(): Command<Snapshot> {
  return (stored, nowMs) => {
    const place = settled(asOf(stored, nowMs), nowMs);
    return { place, answer: snapshotOf(place, nowMs) };
  };
}

export function takeCommand(owner: string, floor: number, turnMs: number): Command<Taken> {
  return (stored, nowMs) => {
    const before = settled(asOf(stored, nowMs), nowMs);
    if (before.turn !== undefined && before.turn.owner !== owner) {
      return { place: before, answer: snapshotOf(before, nowMs, owner) };
    }
    const place = { ...before, turn: { owner, untilMs: nowMs + turnMs } };
    const generation = Math.max(nowMs, (place.record?.generation ?? 0) + 1, floor + 1);
    return { place, answer: { ...snapshotOf(place, nowMs, owner), generation } };
  };
}

export function keepCommand(owner: string, turnMs: number): Command<'ours' | 'lost'> {
  return (stored, nowMs) => {
    const place = asOf(stored, nowMs);
    if (place.turn !== undefined && place.turn.owner !== owner) return { place, answer: 'lost' };
    return { place: { ...place, turn: { owner, untilMs: nowMs + turnMs } }, answer: 'ours' };
  };
}

export function releaseCommand(owner: string): Command<true> {
  return (stored, nowMs) => {
    const place = asOf(stored, nowMs);
    return { place: place.turn?.owner === owner ? { ...place, turn: undefined } : place, answer: true };
  };
}

export function publishCommand(record: SharedRecord, pause?: Pause): Command<'stored' | 'older'> {
  return (stored, nowMs) => {
    const place = asOf(stored, nowMs);
    if (record.generation <= (place.record?.generation ?? 0)) return { place, answer: 'older' };
    const isPaused = pause !== undefined && (place.turn === undefined || place.turn.owner === pause.owner);
    const turn = isPaused ? { owner: 'nobody/0', untilMs: nowMs + pause.forMs } : place.turn;
    return { place: { ...place, record, turn }, answer: 'stored', isTold: true };
  };
}

export function doubtCommand(fingerprint: string): Command<true> {
  return (stored, nowMs) => {
    const doubted = { fingerprint, untilMs: nowMs + DOUBT_MS };
    return { place: { ...asOf(stored, nowMs), doubted }, answer: true, isTold: true };
  };
}

export function chargeCommand(atUnixMs: readonly number[]): Command<true> {
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
  const { turn, forced, doubted } = place;
  const readable = readableOf(place);
  return {
    kind: 'seen',
    nowUnixMs,
    isSealed: false,
    forcedAtUnixMs: forced.filter((atMs) => atMs >= nowUnixMs - DAY_MS),
    ...(doubted !== undefined && { doubted: doubted.fingerprint }),
    ...(readable !== undefined && { record: readable, readable }),
    ...(turn !== undefined && {
      by: turn.owner.replace(/\/\d+$/, ''),
      turn: { isOurs: turn.owner === owner, leftMs: turn.untilMs - nowUnixMs },
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

const AWAY: Away = { kind: 'away' };

/** One holder's records in a store that is a model; how its commands get there is another matter. */
export abstract class ModelRecords implements SharedRecords {
  protected listener: RecordsListener | undefined;

  /** Undefined where no answer comes; the command may have been carried out all the same. */
  protected abstract run<Answer>(
    account: SharedAccount,
    command: Command<Answer>,
  ): Promise<Answer | undefined>;

  abstract close(): Promise<void>;

  async read(account: SharedAccount): Promise<Snapshot | Away> {
    return (await this.run(account, readCommand())) ?? AWAY;
  }

  async take(account: SharedAccount, owner: string, floor: number, turnMs: number): Promise<Taken | Away> {
    return (await this.run(account, takeCommand(owner, floor, turnMs))) ?? AWAY;
  }

  async keep(account: SharedAccount, owner: string, turnMs: number): Promise<'ours' | 'lost' | 'away'> {
    return (await this.run(account, keepCommand(owner, turnMs))) ?? 'away';
  }

  async release(account: SharedAccount, owner: string): Promise<void> {
    await this.run(account, releaseCommand(owner));
  }

  async publish(
    account: SharedAccount,
    record: SharedRecord,
    pause?: Pause,
  ): Promise<'stored' | 'older' | 'away'> {
    return (await this.run(account, publishCommand(record, pause))) ?? 'away';
  }

  async doubt(account: SharedAccount, fingerprint: string): Promise<void> {
    await this.run(account, doubtCommand(fingerprint));
  }

  async charge(account: SharedAccount, atUnixMs: readonly number[]): Promise<boolean> {
    return (await this.run(account, chargeCommand(atUnixMs))) ?? false;
  }

  listen(listener: RecordsListener): void {
    this.listener = listener;
  }
}

/** Under which an account's place is kept. */
export function keyOf({ appid, mode }: SharedAccount): string {
  return `${mode} ${appid}`;
}
