/** A response that this process makes itself. */
export interface LocalResponse {
  readonly status: number;
  /** Lower-case names; `content-length` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body; empty is possible only for an answer that a role made itself. */
  readonly body: Buffer;
}
