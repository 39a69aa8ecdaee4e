/** A response that this process creates itself. */
export interface LocalResponse {
  readonly status: number;
  /** Lower-case names; `content-length` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body; only a role's own response can be empty. */
  readonly body: Buffer;
}
