import { isObject, type JsonObject } from '../../base/json.ts';
import { jsonObject } from '../endpoints/json-body.ts';
import { openidOf } from '../endpoints/sns.ts';
import type { Call } from '../world.ts';
import type { Shape } from './shape.ts';

/** A plausible value of this shape for this call. Members that the caller named in the request are echoed. */
export function plausibleValue(shape: Shape, call: Call): unknown {
  const valueOf = (name: string, of: Shape, given: JsonObject): unknown => {
    switch (of.kind) {
      case 'literal':
        return of.value;
      case 'object': {
        const inner = given[name];
        const here = isObject(inner) ? { ...given, ...inner } : given;
        return Object.fromEntries(of.members.map(([member, its]) => [member, valueOf(member, its, here)]));
      }
      case 'list':
        return of.item === undefined ? [] : [valueOf(name.replace(/(?:_list|List|s)$/, ''), of.item, given)];
      case 'boolean':
        return !/more|next|fail|delete|block|complaint|hit/i.test(name);
      case 'number':
        return numberFor(name, given[name], call);
      default:
        return textFor(name, given[name], call, of.kind === 'digits');
    }
  };
  return valueOf('', shape, { ...Object.fromEntries(call.query), ...jsonObject(call) });
}

/** Ids and names are echoed from the request, but counts and codes never are. */
const ECHOED = /(?:id|_no|name|title)$/i;
const ECHOED_LENGTH_MAX = 128;

function numberFor(name: string, given: unknown, call: Call): number {
  if (/^(?:ret|err_?code|result_?code)$|_resultcode$|next|offset/i.test(name)) return 0;
  if (typeof given === 'number' && ECHOED.test(name)) return given;
  if (name.endsWith('expires_in')) return 7_200;
  if (/(?:time|timestamp)$/i.test(name)) return Math.floor(call.nowMs / 1_000);
  return 1;
}

function textFor(name: string, given: unknown, call: Call, isDigits: boolean): string {
  const fits = typeof given === 'number' || (typeof given === 'string' && given.length <= ECHOED_LENGTH_MAX);
  if (fits && ECHOED.test(name)) return String(given);
  for (const [pattern, textOf] of isDigits ? DIGITS : TEXTS)
    if (pattern.test(name)) return textOf(call, name);
  return isDigits ? '1' : 'simulator';
}

type Texts = readonly (readonly [name: RegExp, text: (call: Call, name: string) => string])[];

const DIGITS: Texts = [
  [/date$/i, ({ nowMs }) => isoTime(nowMs).slice(0, 10).replaceAll('-', '')],
  [/time$/i, ({ nowMs }) => String(Math.floor(nowMs / 1_000))],
];

/** The first pattern that matches a name wins. */
const TEXTS: Texts = [
  [/^errcode$/, () => '0'],
  [/^(?:err_?msg|resultmsg|delivery_resultmsg)$/, () => 'ok'],
  // A client that fetches the next page, or looks for a failure, finds nothing.
  [/^next|cursor|page_ctx|fail|error|reject|illegal/i, () => ''],
  [/unionid$/i, () => openidOf('', USER)],
  [/open_?id$/i, ({ account }) => openidOf(account?.settings.appid ?? '', USER)],
  [/appid$/i, ({ account }) => account?.settings.appid ?? ''],
  // The host name cannot exist, so that nobody calls a real host.
  [
    /(?:url|img|image|imgs|pic|photo|logo|poster|headimg|head_img|avatar)$|link$/i,
    (_call, name) => `https://mmbiz.simulator.invalid/${name}`,
  ],
  [/domain$/, () => 'https://www.simulator.invalid'],
  [/(?:phone|mobile|tel|tel_number|phone_?number|telephone)$/i, () => '13800000000'],
  [/date$/i, ({ nowMs }) => isoTime(nowMs).slice(0, 10)],
  [/time$/i, ({ nowMs }) => isoTime(nowMs).slice(0, 19).replace('T', ' ')],
  [/name$|title$|desc$|description$|content$|address$|text$/i, () => '模拟'],
];

const USER = 'documented';
const BEIJING_MS = 8 * 3_600_000;

/** The platform writes Beijing time. */
function isoTime(nowMs: number): string {
  return new Date(nowMs + BEIJING_MS).toISOString();
}
