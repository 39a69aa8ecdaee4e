import type { z } from 'zod';
import type { SCHEMAS } from './schemas.ts';

/**
 * The JSON that a hub and its callers exchange, derived from the schemas: types only, so that a sidecar does not
 * load them. Absolute times are RFC 3339 in UTC with milliseconds; `expires_in` allows a caller to measure a
 * token's lifetime by its own clock.
 */
type Wire<Name extends keyof typeof SCHEMAS> = Readonly<z.infer<(typeof SCHEMAS)[Name]>>;

export type WireToken = Wire<'Token'>;

/** The body of POST /v1/apps/{appid}/token/refresh. Version 0.1 sent neither `path` nor `succeeded`. */
export type WireReport = Wire<'Report'>;

/** The response of POST /v1/apps/{appid}/token/refresh. Version 0.1 sent no `outcome`. */
export type WireRefresh = Wire<'Refresh'>;

/** An element of `apps` in the response of GET /v1/apps; fingerprint and expiry are absent if there is no live token. */
export type WireApp = Wire<'Apps'>['apps'][number];

/**
 * The body of POST /v1/apps/{appid}/relay. The response has the status, Content-Type and body of the
 * platform's, and the header `x-wechat-sidecar-relay: 1`; without that header it is a problem of the hub.
 */
export type WireRelay = Wire<'Relay'>;

/** The response of GET /v1/apps/{appid}/ticket?type=jsapi or wx_card. */
export type WireTicket = Wire<'Ticket'>;

/** RFC 9457, with a type such as `urn:wechat-sidecar:problem:unknown_app`; `errcode` is the platform's if that is the cause. */
export type WireProblem = Wire<'Problem'>;

/** The response of POST /v1/apps/{appid}/jssdk-signature, in the form that `wx.config` accepts. */
export type WireSignature = Wire<'Signature'>;
