import * as z from 'zod';
import { APP_MODES } from '../token/token.ts';
import { SECRET_PATHS } from '../wechat/path.ts';
import { REFUSED_ERRCODES } from '../wechat/verdict.ts';
import { REPORT_OUTCOMES } from './report-outcomes.ts';
import { REPORTED_PATH } from '../wechat/report-path.ts';
import { TICKET_TYPES } from '../token/ticket.ts';
import { PROBLEM_REASONS, PROBLEM_TYPE_PREFIX } from './problem.ts';

const appid = z.string().describe('The account.');
const fingerprint = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe("The first 16 hex digits of the token's SHA-256.");
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .describe('RFC 3339, in UTC.');
const ms = z.int().min(0);
const secondsLeft = z
  .int()
  .min(0)
  .describe('Whole seconds left when the response was written, rounded down.');

const token = {
  appid,
  access_token: z.string().min(1),
  fingerprint,
  issued_at: time,
  expires_at: time,
  expires_in: secondsLeft,
};

/** The schemas of requests and responses. Request bodies may have additional members; responses have none. */
export const SCHEMAS = {
  Token: z.strictObject(token),
  Refresh: z.strictObject({
    ...token,
    refreshed: z.boolean().describe('Whether the report led to another token.'),
    outcome: z
      .enum(REPORT_OUTCOMES)
      .describe('The outcome of the report; `accepted` and `held`: the platform accepts the token.'),
    hold_ms: ms.optional().describe('With `accepted` and `held`: how long the path need not be reported.'),
    retry_ms: ms.optional().describe('With `waiting` and `rationed`: when another token may be fetched.'),
  }),
  Apps: z.strictObject({
    apps: z.array(
      z.strictObject({
        appid,
        name: z.string(),
        mode: z.enum(APP_MODES),
        fingerprint: fingerprint.optional(),
        expires_at: time.optional(),
      }),
    ),
  }),
  Ticket: z.strictObject({
    appid,
    type: z.enum(TICKET_TYPES),
    ticket: z.string().min(1),
    expires_in: secondsLeft,
  }),
  Page: z.object({
    url: z
      .string()
      .describe('The URL of a page, http or https, at most 2,048 bytes; the fragment is removed.'),
  }),
  Signature: z.strictObject({
    appId: appid,
    timestamp: z.int().describe('Unix time in seconds.'),
    nonceStr: z.string().min(1),
    signature: z.string().regex(/^[0-9a-f]{40}$/),
  }),
  Report: z.object({
    fingerprint,
    errcode: z
      .union([...REFUSED_ERRCODES].map((errcode) => z.literal(errcode)))
      .describe("The errcode of the platform's response to a request with that token."),
    path: z
      .string()
      .regex(REPORTED_PATH)
      .optional()
      .describe('The path of that request, or `sha256:` and the first 16 hex digits of its SHA-256.'),
    succeeded: z
      .boolean()
      .optional()
      .describe('Whether a request to that path succeeded with the token since the path was last reported.'),
  }),
  Relay: z.object({
    method: z.enum(['GET', 'POST']),
    path: z.enum(SECRET_PATHS as [string, ...string[]]),
    query: z
      .string()
      // Excludes characters that could end the request line or begin a fragment.
      .regex(/^[\x21\x22\x24-\x7e]*$/)
      .describe('The raw query string, without appid and secret.'),
    content_type: z
      .string()
      .regex(/^[\x20-\x7e]{1,200}$/)
      .optional(),
    body: z.base64().optional().describe('The request body in base64.'),
  }),
  PlatformToken: z.union([
    z.strictObject({ access_token: z.string().min(1), expires_in: secondsLeft }),
    z.strictObject({ errcode: z.int(), errmsg: z.string() }),
  ]),
  PlatformQuestion: z.object({
    grant_type: z.literal('client_credential'),
    appid,
    secret: z.string().describe('The key of a client of the hub.'),
    force_refresh: z.boolean().optional().describe('Has no effect.'),
  }),
  OpenApi: z.looseObject({ openapi: z.literal('3.1.0') }),
  Problem: z.strictObject({
    type: z.enum(PROBLEM_REASONS.map((reason) => `${PROBLEM_TYPE_PREFIX}${reason}`)),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    errcode: z.int().optional().describe("The platform's errcode if that is the cause."),
  }),
};

export type SchemaName = keyof typeof SCHEMAS;
