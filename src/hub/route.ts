import type Koa from 'koa';
import type { Caller } from './authenticator.ts';
import type { Hub } from './hub.ts';
import type { SchemaName } from '../hub-api/schemas.ts';
import type { Right } from '../hub-api/rights.ts';
import type { ProblemReason } from '../hub-api/problem.ts';

/** A route of the API: how it is served and how it is described. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** In the syntax of koa-router. */
  readonly path: string;
  /** One sentence. */
  readonly summary: string;
  readonly query?: readonly QueryParam[];
  readonly body?: SchemaName;
  /** A schema, `events` for a stream of events, or `platform` for the platform's own response. */
  readonly answer: SchemaName | 'events' | 'platform';
  /** In addition to those of every call. */
  readonly problems: readonly ProblemReason[];
  /**
   * `bearer`: before `run`, the caller is authenticated and authorized for the account in the path. `key`:
   * the parameters contain a client's key, which `run` checks itself.
   */
  readonly credential: 'bearer' | 'key';
  /**
   * The right that the caller needs for the account. It is checked before `run` if the account is in the
   * path, else by `run`. `any`: every authenticated caller.
   */
  readonly right: Right | 'any';
  readonly run: (ctx: Koa.Context, hub: Hub, caller: Caller, appid: string) => void | Promise<void>;
}

export interface QueryParam {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  readonly values?: readonly string[];
  /** May be repeated. */
  readonly many?: boolean;
}
