import { ownString } from '../base/own-string.ts';
import type { Fields } from '../server/plain-fields.ts';
import { headerValues } from '../upstream/raw-headers.ts';
import { WrittenHeaders } from '../upstream/written-headers.ts';
import { requestHeaders } from './headers.ts';

/**
 * What is derived from the header lines of a plain request. A caller repeats most of its lines from call to call, so
 * this is computed once for many calls. Nothing here may depend on the length of the body (see `Fields.derived`).
 */
class KnownHead {
  /** The rules under which the gate admitted these lines, with a path in origin form. */
  admittedBy: object | undefined;
  /** The headers of the upstream request. */
  readonly headers: readonly string[];
  /** The same, serialized; the parser of plain requests has verified that they can be written. */
  readonly written: WrittenHeaders;
  readonly appidHeaders: readonly string[];
  readonly isPinned: boolean;

  constructor({ rawHeaders, headers }: Fields) {
    this.headers = requestHeaders(rawHeaders);
    this.written = new WrittenHeaders(this.headers);
    // They become labels, which are kept.
    this.appidHeaders = headerValues(rawHeaders, 'x-wechat-appid').map(ownString);
    this.isPinned = headers['wechatmp-signature'] !== undefined;
  }
}

export function knownHeadOf(fields: Fields): KnownHead {
  fields.derived ??= new KnownHead(fields);
  return fields.derived as KnownHead;
}
