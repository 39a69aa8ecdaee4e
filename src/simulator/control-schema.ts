import * as z from 'zod';
import { isIpEntry, type NewApp } from './accounts.ts';
import type { AnswerRequest, BreakRequest, Which } from './control.ts';
import { RID_STYLES } from './errors.ts';
import type { Knobs } from './knobs.ts';
import type { Fault } from './rules.ts';

/** The longest wait that a control call may request: an hour. */
const WAIT_MS_MAX = 3_600_000;
/** The most that the clock can be advanced at once: ten years. */
const ADVANCE_MS_MAX = 10 * 365 * 86_400_000;
const COUNT_MAX = 1_000_000_000;

const path = z
  .string()
  .regex(/^(\/|\*$)/, 'must begin with / (each * in it matches any characters), or be *');
const appid = z.string().min(1).max(64);
const ms = z.number().int().min(0).max(WAIT_MS_MAX);
const count = z.number().int().min(0).max(COUNT_MAX);
const errcode = z.number().int();
const status = z.number().int().min(200).max(599);
const mode = z.enum(['stable', 'classic']);
const quota = z.strictObject({ perDay: count.optional(), perMinute: count.optional() });

const rule = {
  path,
  method: z.string().toUpperCase().optional(),
  times: count.min(1).optional(),
  early: z.boolean().optional(),
};

const which = { appid: appid.optional(), mode: mode.optional() };

const breakFields = z.strictObject({
  ...rule,
  kind: z.enum(['errcode', 'status', 'empty', 'reset', 'resetAfterHeaders', 'truncated', 'slow', 'silent']),
  errcode: errcode.default(-1),
  errmsg: z.string().optional(),
  status: status.default(502),
  body: z.string().optional(),
  pieceBytes: count.min(1).default(16),
  everyMs: ms.default(100),
});

/** The bodies of the control calls: their members, and what they are parsed into. */
export const SCHEMAS = {
  app: z.strictObject({
    appid,
    secret: z.string().min(1).optional(),
    frozen: z.boolean().optional(),
    ipAllow: z
      .array(z.string().refine(isIpEntry, 'must be an IP, a.b.c.* or a CIDR block'))
      .max(100)
      .optional(),
    tokenLifeMs: count.min(1).optional(),
    overlapMs: count.optional(),
    rotateBeforeMs: count.optional(),
    forceGapMs: count.optional(),
    forceGraceMs: count.optional(),
    forcePerDay: count.optional(),
    clearsPerMonth: count.optional(),
    quotas: z.record(path, quota).optional(),
    component: z.boolean().optional(),
    payKey: z.string().optional(),
    signKeyPem: z.string().optional(),
  }) as z.ZodType<NewApp>,
  expire: z.strictObject({ ...which, inMs: count.optional() }) as z.ZodType<Which & { inMs?: number }>,
  overwrite: z.strictObject({ ...which, graceMs: count.optional() }) as z.ZodType<
    Which & { graceMs?: number }
  >,
  revoke: z.strictObject(which) as z.ZodType<Which>,
  freeze: z.strictObject({ appid: appid.optional() }) as z.ZodType<Pick<Which, 'appid'>>,
  delay: z.strictObject({ path, ms }) as z.ZodType<{ path: string; ms: number }>,
  break: breakFields.transform(({ path: at, method, times, early, ...fault }) => ({
    path: at,
    method,
    times,
    early,
    fault: fault as Fault,
  })) as z.ZodType<BreakRequest>,
  answer: z
    .strictObject({
      ...rule,
      status: status.optional(),
      headers: z.record(z.string(), z.string()).optional(),
      body: z.string().optional(),
      bodyBase64: z.base64().optional(),
      coding: z.enum(['gzip', 'deflate', 'br']).optional(),
      splitAt: z.array(count).max(10_000).optional(),
      pauseMs: ms.optional(),
      chunked: z.boolean().optional(),
      afterChecks: z.boolean().optional(),
    })
    .transform(({ bodyBase64, ...rest }) =>
      bodyBase64 === undefined ? rest : { ...rest, body: Buffer.from(bodyBase64, 'base64') },
    ) as z.ZodType<AnswerRequest>,
  endpoint: z.strictObject({
    path: path.max(500),
    method: z.enum(['GET', 'POST', 'ANY']).optional(),
    body: z.string().optional(),
  }) as z.ZodType<{ path: string; method?: 'GET' | 'POST' | 'ANY'; body?: string }>,
  heal: z.strictObject({ path: path.optional() }) as z.ZodType<{ path?: string }>,
  knobs: z
    .strictObject({
      requireHttps: z.boolean(),
      refuseChunked: z.boolean(),
      postForGet: z.boolean(),
      ridStyle: z.enum(['auto', ...RID_STYLES]),
      escapeSlashes: z.boolean(),
      logicRet: z.boolean(),
      gzip: z.boolean(),
      unknownToken: errcode,
      wrongKind: errcode,
      wrongSecret: errcode,
      forceTooSoon: errcode,
      forceOverQuota: errcode,
      ipCheck: z.enum(['secret', 'all']),
      signedOrigins: z.array(z.string()).max(20),
      keepBodyBytesMax: count,
    })
    .partial() as z.ZodType<Partial<Knobs>>,
  clock: z.strictObject({ advanceMs: count.max(ADVANCE_MS_MAX) }) as z.ZodType<{ advanceMs: number }>,
  nothing: z.strictObject({}) as z.ZodType<object>,
} as const;

/** One line per problem: the invalid member, and what is accepted. */
export function problemsOf(error: z.ZodError): string {
  return error.issues
    .map(({ path: at, message }) => (at.length === 0 ? message : `${at.join('.')}: ${message}`))
    .join('; ');
}
