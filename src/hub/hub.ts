import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { RateLimit } from '../base/rate-limit.ts';
import type { Random } from '../base/random.ts';
import type { ConnectionTable } from '../server/connection-table.ts';
import type { Upstream } from '../upstream/exchange.ts';
import type { HubAccounts } from './accounts.ts';
import type { Audit } from './audit.ts';
import type { Authenticator } from './authenticator.ts';
import type { History } from './history.ts';
import type { HubMetrics } from './metrics.ts';
import type { Refreshes } from './refreshes.ts';
import type { Shares } from './shares.ts';
import type { Watchers } from './watchers.ts';
import type { Tickets } from '../token/ticket.ts';

/** Everything that is needed to serve a call. */
export interface Hub {
  readonly version: string;
  /** For people: the host name, and the time of the start. */
  readonly about: { readonly name: string; readonly sinceUnixMs: number };
  readonly accounts: HubAccounts;
  readonly callers: Authenticator;
  readonly refreshes: Refreshes;
  readonly watchers: Watchers;
  /** For the calls in progress. */
  readonly calls: Shares;
  readonly relays: Shares;
  /** For the connections, which are shared out by caller once it is authenticated. */
  readonly connectionTable: Pick<ConnectionTable, 'authenticated'>;
  readonly tickets: Tickets;
  /** For signed pages, per caller and account. */
  readonly signatures: RateLimit;
  /** For relayed calls. */
  readonly upstream: Upstream;
  readonly history: History;
  readonly audit: Audit;
  readonly metrics: Pick<HubMetrics, 'answered'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
