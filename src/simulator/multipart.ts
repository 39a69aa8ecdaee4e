export interface Part {
  readonly name: string;
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
}

const PARTS_MAX = 100;
const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * The parts of a multipart/form-data body, each byte for byte; `undefined` if it is not one, or is
 * malformed.
 */
export function parseMultipart(contentType: string, body: Buffer): readonly Part[] | undefined {
  const found = /^multipart\/form-data\s*;.*?boundary=(?:"([^"]+)"|([^\s;]+))/is.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined) return undefined;
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let at = body.indexOf(delimiter);
  while (at >= 0 && parts.length < PARTS_MAX) {
    const start = at + delimiter.length;
    if (body.subarray(start, start + 2).toString('latin1') === '--') return parts;
    const headerEnd = body.indexOf(HEADER_END, start);
    const next = body.indexOf(Buffer.concat([Buffer.from('\r\n'), delimiter]), start);
    if (headerEnd < 0 || next < headerEnd) return undefined;
    parts.push(makePart(body.subarray(start + 2, headerEnd).toString(), body.subarray(headerEnd + 4, next)));
    at = next + 2;
  }
  return undefined;
}

function makePart(headers: string, bytes: Buffer): Part {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? '';
  return {
    name: /[;\s]name="?([^";]*)"?/i.exec(disposition)?.[1] ?? '',
    filename: /[;\s]filename="?([^";]*)"?/i.exec(disposition)?.[1],
    contentType: /^content-type:\s*(.*?)\s*$/im.exec(headers)?.[1],
    bytes,
  };
}
