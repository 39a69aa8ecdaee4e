import * as z from 'zod';
import { parseJson } from '../base/json.ts';
import { fingerprintOf, Secret } from '../base/secret.ts';
import { TOKEN_MODES } from '../token/token.ts';
import { isEncrypted, type TokenCipher } from './cipher.ts';
import type { TokenRecord } from './token-records.ts';

/** The format of the file. Any other format is foreign. */
const FORMAT = 'wechat-sidecar-tokens/1';

const unixMs = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

const fileShape = z.strictObject({
  format: z.literal(FORMAT),
  accounts: z.array(
    z.strictObject({
      appid: z.string().min(1).max(64),
      mode: z.enum(TOKEN_MODES),
      token: z
        .strictObject({
          /** In clear, or encrypted. */
          value: z.string().min(1).max(4_096),
          fingerprint: z.string(),
          issuedAtUnixMs: unixMs,
          expiresAtUnixMs: unixMs,
        })
        .optional(),
      forcedAtUnixMs: z.array(unixMs).max(100),
    }),
  ),
});

export type ParsedFile =
  | {
      readonly kind: 'records';
      readonly records: readonly TokenRecord[];
      /** How many tokens were skipped because they are in clear although a key is configured. */
      readonly inClear: number;
    }
  | { readonly kind: 'foreign'; readonly reason: string };

/** Parses the records of a file, or returns why it is not ours. The reason quotes none of its content. */
export function parseFile(text: string, cipher: TokenCipher): ParsedFile {
  const content = parseJson(text);
  if (content === undefined) return { kind: 'foreign', reason: 'it is not JSON' };
  const parsed = fileShape.safeParse(content);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    return {
      kind: 'foreign',
      reason: `it is not a token file of format ${FORMAT} (at "${where.slice(0, 100)}")`,
    };
  }
  const records: TokenRecord[] = [];
  let inClear = 0;
  for (const { appid, mode, token, forcedAtUnixMs } of parsed.data.accounts) {
    if (token === undefined) {
      records.push({ appid, mode, forcedAtUnixMs });
      continue;
    }
    const { fingerprint, issuedAtUnixMs, expiresAtUnixMs } = token;
    const value = cipher.decrypt(token.value, associatedDataOf(appid, mode, token));
    if (value === undefined && !isEncrypted(token.value)) {
      // Anyone who can write the file may have put it there. The quota usage is never encrypted and harmless.
      inClear += 1;
      records.push({ appid, mode, forcedAtUnixMs });
      continue;
    }
    if (value === undefined) {
      return { kind: 'foreign', reason: 'it is encrypted with a key other than store.encryptionKeyFile' };
    }
    if (fingerprintOf(value) !== fingerprint || expiresAtUnixMs < issuedAtUnixMs) {
      return { kind: 'foreign', reason: 'a token in it does not match its fingerprint or its times' };
    }
    records.push({
      appid,
      mode,
      token: { value: new Secret(value), issuedAtUnixMs, expiresAtUnixMs },
      forcedAtUnixMs,
    });
  }
  return { kind: 'records', records, inClear };
}

/** The only place that serializes tokens, in clear if there is no key; only the owner can read the file. */
export function formatFile(records: readonly TokenRecord[], cipher: TokenCipher): string {
  const accounts = records.map(({ appid, mode, token, forcedAtUnixMs }) => ({
    appid,
    mode,
    ...(token !== undefined && {
      token: {
        value: cipher.encrypt(token.value.reveal(), associatedDataOf(appid, mode, token)),
        fingerprint: fingerprintOf(token.value.reveal()),
        issuedAtUnixMs: token.issuedAtUnixMs,
        expiresAtUnixMs: token.expiresAtUnixMs,
      },
    }),
    forcedAtUnixMs,
  }));
  return `${JSON.stringify({ format: FORMAT, accounts }, undefined, 2)}\n`;
}

function associatedDataOf(
  appid: string,
  mode: string,
  { issuedAtUnixMs, expiresAtUnixMs }: { issuedAtUnixMs: number; expiresAtUnixMs: number },
): string {
  return [appid, mode, issuedAtUnixMs, expiresAtUnixMs].join(' ');
}
