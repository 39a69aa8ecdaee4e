import { type Answer, heldAnswer } from '../../src/proxy/upstream-response.ts';
import type { CallBody } from '../../src/proxy/body.ts';
import type { Call, CallResult } from '../../src/proxy/call.ts';
import type { Accounts, ProxyRules } from '../../src/proxy/sidecar.ts';
import type { LocalResponse } from '../../src/server/local-response.ts';
import { errorResponse, type Reason } from '../../src/proxy/errors.ts';
import type { Reports } from '../../src/proxy/reports.ts';
import { judge } from '../../src/wechat/verdict.ts';
import type { Machine } from './machine.ts';
import type { Cause } from './platform.ts';
import { PLATFORM } from './platform-ask.ts';
import type { SidecarNode } from './sidecar-node.ts';
import type { World } from './world.ts';

/** Tokens of the platform need no decoding. */
const TOKEN = /[?&]access_token=([^&]*)/;

/** One sending of a call, and what the platform said to it. */
export interface Sending {
  readonly fingerprint: string;
  readonly sentMs: number;
  /** When the platform judged it; undefined where it never did. */
  judgedMs?: number;
  cause?: Cause;
  /** When its answer came back. */
  answeredMs?: number;
  /** Whether the refusal of a dead token tells that it died, and nobody could know that before. */
  isTelling?: boolean;
  isFirst?: boolean;
  /** Whether the path was not refused before while the token lived. */
  isPathFresh?: boolean;
}

/** What came of a call, for the judge. */
export interface CallStory {
  readonly node: SidecarNode;
  readonly machine: Machine;
  readonly path: string;
  readonly startedMs: number;
  readonly sendings: readonly Sending[];
  /** For how long it waited for a token, by its own clock. */
  readonly waitedMs: number;
  /** What the program got. */
  readonly errcode: number | undefined;
  readonly reason: Reason | undefined;
}

/** A call of a business program without its sockets: stands where a `Call` does. */
export class SimulatedCall implements Omit<Call, 'write' | 'ownHeaders' | 'injected' | 'stopKeeping'> {
  readonly method = 'GET';
  readonly isClosed = false;
  readonly record = undefined;
  readonly bytesIn = 0;
  readonly rules: ProxyRules;
  readonly request: Call['request'];
  /** Everything is written past it. */
  readonly response = undefined as unknown as Call['response'];
  readonly #world: World;
  readonly #node: SidecarNode;
  readonly #machine: Machine;
  readonly #path: string;
  readonly #startedMs: number;
  readonly #sendings: Sending[] = [];
  readonly #onEnd: ((story: CallStory) => void) | undefined;
  #waitedMs = 0;
  #ticketS: number | undefined;

  constructor(
    world: World,
    node: SidecarNode,
    machine: Machine,
    path: string,
    onEnd?: (story: CallStory) => void,
  ) {
    this.#onEnd = onEnd;
    this.#world = world;
    this.#node = node;
    this.#machine = machine;
    this.#path = path;
    this.#startedMs = world.schedule.nowMs;
    this.rules = (node.sidecar as NonNullable<SidecarNode['sidecar']>).rules();
    this.request = {
      method: 'GET',
      url: path,
      httpVersion: '1.1',
      headers: { host: '127.0.0.1:3880' },
      rawHeaders: ['host', '127.0.0.1:3880'],
    };
  }

  /** The same accounts, with a watch on how long each wait takes. */
  watched(accounts: Accounts): Accounts {
    return {
      ...passedOn(accounts),
      token: (appid) => this.#timed(accounts.token(appid)),
    };
  }

  watchedReports(reports: Reports): Reports {
    const watched: Pick<Reports, 'refused' | 'succeeded'> = {
      refused: (...refusal) => this.#timed(reports.refused(...refusal)),
      succeeded: (...success) => reports.succeeded(...success),
    };
    return watched as Reports;
  }

  note(): void {}

  allowPage(): void {}

  get path(): string {
    return this.#path.split('?', 1)[0] as string;
  }

  setLabels(): void {}

  onceClosed(): void {}

  close(): void {}

  readBody(): Promise<Buffer | undefined> {
    return Promise.resolve(Buffer.alloc(0));
  }

  takeBody(): Promise<CallBody> {
    return Promise.resolve({ kind: 'none' });
  }

  sendThen(onAnswer: (answer: Answer) => void, target: string): void {
    void this.send(target).then(onAnswer);
  }

  send(target: string): Promise<Answer> {
    const { network, platform, schedule, judge: judged } = this.#world;
    const { name } = this.#machine;
    const token = TOKEN.exec(target)?.[1] ?? '';
    const given = platform.byValue.get(token);
    const sending: Sending = { fingerprint: given?.fingerprint ?? '', sentMs: schedule.nowMs };
    this.#sendings.push(sending);
    judged.sent(this.#machine, given);
    return new Promise((resolve) => {
      const fate = network.fate(name, PLATFORM);
      const fail = (kind: 'unreachable' | 'timeout', reason: string, delayMs: number): void => {
        const failure = { kind, reason, host: 'api.weixin.qq.com' };
        schedule.in(delayMs, this.#machine, () => resolve({ kind: 'failed', failure }));
      };
      if (fate === 'drop') return fail('unreachable', 'UND_ERR_CONNECT_TIMEOUT', 2_400);
      if (fate === 'refuse') return fail('unreachable', 'ECONNREFUSED', 5);
      const halfMs = this.#world.sizes.platformMs / 2;
      schedule.in(network.delayMs(name, PLATFORM, halfMs), undefined, () => {
        const reply = platform.call(this.#path, token);
        sending.judgedMs = schedule.nowMs;
        sending.cause = reply.cause;
        if (network.fate(PLATFORM, name) !== 'open')
          return fail('timeout', 'UND_ERR_HEADERS_TIMEOUT', 30_000);
        schedule.in(network.delayMs(PLATFORM, name, halfMs), this.#machine, () => {
          sending.answeredMs = schedule.nowMs;
          judged.answered(this.#node, this.#machine, sending, this.#path);
          resolve(heldAnswer(200, 'application/json; encoding=utf-8', Buffer.from(reply.body)));
        });
      });
    });
  }

  finish(answer: Answer, _replay: 0 | 1, rewritten?: Buffer): CallResult {
    if (answer.kind === 'failed') return this.fail('upstream_timeout', '');
    if (answer.kind === 'held' && this.#sendings.length === 0) this.#noteTicket(answer.body);
    if (answer.kind !== 'held') return this.#served(200, undefined, 'platform');
    const { errcode } = rewritten === undefined ? answer.verdict : judge(rewritten);
    return this.#served(200, errcode, 'platform');
  }

  fail(reason: Reason, message: string, errcode?: number): CallResult {
    const own = errorResponse(reason, message, 'wechat', errcode);
    return { ...this.#served(own.status, errcode, 'sidecar'), own, failure: { reason, message } };
  }

  respondLocally(own: LocalResponse): CallResult {
    return this.#served(own.status, undefined, 'sidecar');
  }

  clientClosed(): CallResult {
    return this.#served(499, undefined, 'sidecar');
  }

  ended({ errcode, failure, answeredBy }: CallResult): void {
    const story: CallStory = {
      node: this.#node,
      machine: this.#machine,
      path: this.#path,
      startedMs: this.#startedMs,
      sendings: this.#sendings,
      waitedMs: this.#waitedMs,
      errcode: answeredBy === 'platform' ? errcode : undefined,
      reason: failure?.reason,
    };
    this.#world.judge.ended(story);
    if (this.#ticketS !== undefined) this.#world.judge.gaveTicket(this.#node, this.#ticketS);
    this.#onEnd?.(story);
  }

  /** An answer of the sidecar's own to a call that was never sent. */
  #noteTicket(body: Buffer): void {
    const { expires_in: leftS } = JSON.parse(body.toString()) as { expires_in?: number };
    this.#ticketS = leftS;
  }

  async #timed<Value>(wait: Promise<Value>): Promise<Value> {
    const { clock } = this.#machine;
    const beganMs = clock.monotonicMs();
    const value = await wait;
    this.#waitedMs += clock.monotonicMs() - beganMs;
    return value;
  }

  #served(status: number, errcode: number | undefined, answeredBy: CallResult['answeredBy']): CallResult {
    return { app: undefined, path: this.#path, status, errcode, answeredBy };
  }
}

function passedOn(accounts: Accounts): Accounts {
  return {
    token: (appid) => accounts.token(appid),
    peek: (appid) => accounts.peek(appid),
    report: (appid, refusal) => accounts.report(appid, refusal),
    ownerOf: (fingerprint) => accounts.ownerOf(fingerprint),
    knows: (appid) => accounts.knows(appid),
    isLoginOnly: (appid) => accounts.isLoginOnly(appid),
    signPage: (appid, url) => accounts.signPage(appid, url),
    ticket: (appid, type) => accounts.ticket(appid, type),
    secretOf: (appid) => accounts.secretOf(appid),
  };
}
