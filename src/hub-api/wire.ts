import type { z } from 'zod';
import type { SCHEMAS } from './schemas.ts';

/**
 * What a hub and its callers exchange as JSON, as the schemas say: types alone, so that a sidecar does not load
 * them. Absolute times are RFC 3339 in UTC with milliseconds; whoever counts a token's life by its own clock goes
 * by `expires_in`, which no wrong clock upsets.
 */
type Wire<Name extends keyof typeof SCHEMAS> = Readonly<z.infer<(typeof SCHEMAS)[Name]>>;

export type WireToken = Wire<'Token'>;

/** The body of POST /v1/apps/{appid}/token/refresh. Version 0.1 sent neither `path` nor `succeeded`. */
export type WireReport = Wire<'Report'>;

/** The answer of POST /v1/apps/{appid}/token/refresh. Version 0.1 sent no `outcome`. */
export type WireRefresh = Wire<'Refresh'>;

/** One of `apps` in the answer of GET /v1/apps; fingerprint and end are absent while there is no live token. */
export type WireApp = Wire<'Apps'>['apps'][number];

/**
 * The body of POST /v1/apps/{appid}/relay. The answer is the platform's own, status, Content-Type and
 * body, with the header `x-wechat-sidecar-relay: 1`; without that header it is the hub's own problem.
 */
export type WireRelay = Wire<'Relay'>;

/** The answer of GET /v1/apps/{appid}/ticket?type=jsapi or wx_card. */
export type WireTicket = Wire<'Ticket'>;

/** RFC 9457, with a type such as `urn:wechat-sidecar:problem:unknown_app`; `errcode` is the platform's if that is the cause. */
export type WireProblem = Wire<'Problem'>;

/** The answer of POST /v1/apps/{appid}/jssdk-signature, as `wx.config` takes it. */
export type WireSignature = Wire<'Signature'>;
