import type { Fields } from '../server/plain-request.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import { requestHeaders } from './headers.ts';

/**
 * What is made of the header lines of a plain request. A caller repeats most of its lines from call to call, so
 * that this is made once for many calls.
 */
class KnownHead {
  /** The rules by which the gate has let in these lines, with a path of their own host. */
  admittedBy: object | undefined;
  /** The headers that the request leaves with. */
  readonly headers: readonly string[];
  /** The same as they are written; the reader of plain requests has seen that they can be. */
  readonly written: string;
  readonly appidHeaders: readonly string[];
  readonly isPinned: boolean;

  constructor({ rawHeaders, headers }: Fields) {
    this.headers = requestHeaders(rawHeaders);
    let written = '';
    for (let at = 0; at + 1 < this.headers.length; at += 2) {
      written += `${this.headers[at]}: ${this.headers[at + 1]}\r\n`;
    }
    this.written = written;
    this.appidHeaders = headerValues(rawHeaders, 'x-wechat-appid');
    this.isPinned = headers['wechatmp-signature'] !== undefined;
  }
}

export function knownHeadOf(fields: Fields): KnownHead {
  fields.derived ??= new KnownHead(fields);
  return fields.derived as KnownHead;
}
