import type Koa from 'koa';
import type { Caller } from './callers.ts';
import type { Hub } from './hub.ts';
import type { SchemaName } from '../hub-api/schemas.ts';
import type { Right } from '../hub-api/rights.ts';
import type { ProblemReason } from '../hub-api/problem.ts';

/** A call of the API, as it is served and as it is described. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** As koa-router takes it. */
  readonly path: string;
  /** One sentence. */
  readonly summary: string;
  readonly query?: readonly QueryParam[];
  readonly body?: SchemaName;
  /** A stream of events where the answer is none of the schemas; or the platform's own answer. */
  readonly answer: SchemaName | 'events' | 'platform';
  /** Beyond those of every call. */
  readonly problems: readonly ProblemReason[];
  /**
   * `bearer`: the caller is known, and may use the account in the path, before `run` begins. `key`:
   * the call has a client's key among its parameters, and `run` looks at it itself.
   */
  readonly credential: 'bearer' | 'key';
  /**
   * What the caller must be allowed to do with the account. It is looked at before `run` where the account
   * stands in the path, and by `run` where it does not. `any` is good for every caller.
   */
  readonly right: Right | 'any';
  readonly run: (ctx: Koa.Context, hub: Hub, caller: Caller, appid: string) => void | Promise<void>;
}

export interface QueryParam {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  readonly values?: readonly string[];
  /** May be given more than once. */
  readonly many?: boolean;
}
