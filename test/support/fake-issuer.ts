import { Secret } from '../../src/base/secret.ts';
import type { Token } from '../../src/token/token.ts';
import type { Credentials, Failure, FetchOutcome, Issuer, ProbeOutcome } from '../../src/wechat/issuer.ts';

interface Call<Outcome> {
  readonly app?: Credentials;
  readonly force?: boolean;
  readonly token?: Token;
  answer(outcome: Outcome): Promise<void>;
}

export interface FakeIssuer extends Issuer {
  readonly fetches: Call<FetchOutcome>[];
  readonly probes: Call<ProbeOutcome>[];
}

/** An issuer whose calls stay open until the test answers them. */
export function makeFakeIssuer(): FakeIssuer {
  const fetches: Call<FetchOutcome>[] = [];
  const probes: Call<ProbeOutcome>[] = [];
  return {
    fetches,
    probes,
    fetch: (app, force) => opened(fetches, { app, force }),
    probe: (token) => opened(probes, { token }),
  } satisfies FakeIssuer;
}

function opened<Outcome>(calls: Call<Outcome>[], call: Omit<Call<Outcome>, 'answer'>): Promise<Outcome> {
  return new Promise((resolve) => {
    calls.push({
      ...call,
      answer(outcome) {
        resolve(outcome);
        return ripple();
      },
    });
  });
}

/** Lets everything that is already settled take its course. */
export function ripple(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export function given(value: string, expiresInMs = 7_200_000): FetchOutcome {
  return { kind: 'token', value: new Secret(value), expiresInMs };
}

export function platformSays(errcode: number, more: Partial<Failure> = {}): Failure {
  return { kind: 'failure', cause: 'platform', errcode, detail: `errcode ${errcode}`, ...more };
}

export const noRoute: Failure = { kind: 'failure', cause: 'transport', detail: 'ECONNREFUSED' };
