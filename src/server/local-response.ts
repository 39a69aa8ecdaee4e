/** A response that this process creates itself. */
export interface LocalResponse {
  readonly status: number;
  /** Lower-case names; `content-length` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body; only a role's own response can be empty. */
  readonly body: Buffer;
}

/** A response in JSON. `headers` are added to those of the body. */
export function jsonResponse(
  status: number,
  content: object,
  headers: Readonly<Record<string, string>> = {},
): LocalResponse {
  const body = Buffer.from(JSON.stringify(content));
  return {
    status,
    headers: { 'content-type': 'application/json', 'content-length': String(body.length), ...headers },
    body,
  };
}
