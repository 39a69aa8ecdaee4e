import type { Log, LogFields } from '../../src/base/log.ts';
import { Secret } from '../../src/base/secret.ts';
import { Keeper } from '../../src/keeper/keeper.ts';
import type { KeeperObserver } from '../../src/keeper/observer.ts';
import { memoryStore, type TokenStore } from '../../src/store/store.ts';
import type { ReportAnswer, TokenAnswer } from '../../src/token/source.ts';
import type { Credentials, Issuer } from '../../src/wechat/issuer.ts';
import { type FakeIssuer, given, makeFakeIssuer, ripple } from './fake-issuer.ts';
import { ManualClock } from './manual-clock.ts';

export const APP: Credentials = {
  appid: 'wx0123456789abcdef',
  secret: new Secret('the-app-secret'),
  mode: 'stable',
};

export interface Bench {
  readonly keeper: Keeper;
  readonly issuer: FakeIssuer;
  readonly clock: ManualClock;
  readonly lines: { level: string; event: string; fields: LogFields }[];
  readonly told: unknown[];
}

export function bench(options: { app?: Credentials; store?: TokenStore; issuer?: Issuer } = {}): Bench {
  const { app = APP, store = memoryStore } = options;
  const clock = new ManualClock();
  const issuer = makeFakeIssuer();
  const lines: Bench['lines'] = [];
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}): void =>
      void lines.push({ level, event, fields });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const told: unknown[] = [];
  const observer: KeeperObserver = {
    refreshed: (it) => told.push(['refreshed', it.trigger, it.result]),
    fetchFailed: (it) => told.push(['fetchFailed', it.errcode]),
    looked: (it) => told.push(['looked', it.outcome]),
    rationed: (it) => told.push(['rationed', it.isRationed]),
    tokenChanged: (it) => told.push(['tokenChanged', it.fingerprint, it.expiresAtUnixMs]),
  };
  const random = (): number => 0.5;
  const keeper = new Keeper({
    app,
    issuer: options.issuer ?? issuer,
    store,
    clock,
    random,
    log,
    observer,
    isKnown: () => true,
  });
  return { keeper, issuer, clock, lines, told };
}

/** A keeper that has got its first token. */
export async function begun(options: Parameters<typeof bench>[0] = {}): Promise<Bench> {
  const it = bench(options);
  it.keeper.start();
  await ripple();
  await it.issuer.fetches[0]?.answer(given('first'));
  return it;
}

export function valueOf(answer: TokenAnswer | ReportAnswer): string {
  return answer.kind === 'unavailable' ? `unavailable ${answer.errcode}` : answer.token.value.reveal();
}
