import { isPlatformAppid } from '../wechat/appid.ts';
import { read } from './types.ts';

const HEX_32 = /^[0-9a-f]{32}$/;
const VISIBLE = /^[\x21-\x7e]{1,256}$/;
const QUOTE = '["\'`“”‘’«»]';
const QUOTED = new RegExp(`^${QUOTE}|${QUOTE}$`, 'u');

/** The text that can be sent as an AppSecret. Any other character comes from a copying mistake. */
export const appSecretText = read(
  '1 to 256 visible ASCII characters without spaces, and no quotes around them',
  (text) => (VISIBLE.test(text) && !QUOTED.test(text) ? text : undefined),
  {
    why(text) {
      if (QUOTED.test(text))
        return 'there are quotes around it, which are part of the value here: remove them';
      if (/\s/.test(text)) return 'there is white space in it';
      const odd = /[^\x21-\x7e]/u.exec(text)?.[0].codePointAt(0);
      if (odd === undefined) return undefined;
      return `it contains a character that is not visible ASCII (U+${odd.toString(16).toUpperCase().padStart(4, '0')})`;
    },
  },
);

const WORD = '(?:your|my|the|wechat|weixin|wx|mp|app|mini|client|secret|key|password|here|value|test)';
const PLACEHOLDERS: readonly RegExp[] = [
  new RegExp(`^(?:${WORD}[-_.]?)*(?:secret|password)(?:[-_.]?${WORD})*$`, 'i'),
  /change.?me|replace.?me|placeholder|^to.?do$|^x+$|^\*+$|^\.+$|^example$|^dummy$/i,
  /^(.)\1{7,}$/,
  // A variable or a template that was not substituted.
  /^(?:\$\{.*\}|\$\(.*\)|\$\w+|<.*>|\{\{.*\}\}|%\w+%)$/,
];

/** Why an AppSecret that can be sent cannot be right, in words that do not quote it. */
export function oddityOf(text: string): string | undefined {
  if (HEX_32.test(text)) return /^(.)\1+$/.test(text) ? 'is a placeholder' : undefined;
  if (PLACEHOLDERS.some((shape) => shape.test(text))) return 'is a placeholder';
  if (isPlatformAppid(text)) return 'looks like an appid: were the two mixed up?';
  if (/^ENC\(.*\)$/.test(text)) return 'is encrypted for another program (ENC(…)): give it in clear';
  if (/^[\w.-]*secret\w*["']?[=:]/i.test(text) || /^[{[]/.test(text)) {
    return 'has its name or a syntax around it, as in NAME=value: give the value alone';
  }
  if (isBase64Of(text)) return 'is in base64, as Kubernetes shows it: decode it';
  if (HEX_32.test(text.toLowerCase())) return 'has upper-case letters: the platform writes it in lower case';
  if (/^[0-9a-f]{64}$/i.test(text)) return 'has 64 hex digits, as a SHA-256 has: an AppSecret has 32';
  if (/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/.test(text)) {
    return `has ${text.length - 32} characters more beside 32 hex digits`;
  }
  return undefined;
}

/** Whether it is an AppSecret and nothing else: for accounts with a real appid, which have no other kind. */
export function isAppSecret(text: string): boolean {
  return HEX_32.test(text);
}

/** Encoded once, or twice by mistake. */
function isBase64Of(text: string): boolean {
  const decode = (encoded: string): string => Buffer.from(encoded, 'base64').toString('latin1').trim();
  if (!/^[\w+/-]{22,}={0,2}$/.test(text)) return false;
  const once = decode(text);
  return [once, decode(once)].some((plain) => HEX_32.test(plain.replace(/^["']|["']$/g, '').toLowerCase()));
}
