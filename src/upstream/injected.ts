import { redactedBytes, redactedText } from '../base/redaction.ts';
import type { Secret } from '../base/secret.ts';

/** What we have put into a request, and the response must not reveal to the caller. */
export interface Injected {
  readonly secret: Secret;
  /** Its replacement in a header, so that a redirect that is followed returns for the same account. */
  readonly inHeaders: () => string;
}

/** The headers of a response without what we have put into its request. */
export function redactedHeaders(raw: readonly string[], injected: readonly Injected[]): readonly string[] {
  if (!mayQuote(raw, injected)) return raw;
  const clean: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at] as string, raw[at + 1] as string];
    // A header whose name contains a secret is dropped.
    if (redactedHeader(name, injected) === name) clean.push(name, redactedHeader(value, injected));
  }
  return clean;
}

/** No encoding of a secret makes it shorter. */
function mayQuote(texts: readonly string[], injected: readonly Injected[]): boolean {
  for (const { secret } of injected) {
    const { length } = secret.reveal();
    for (const text of texts) if (text.length >= length) return true;
  }
  return false;
}

export function redactedHeader(value: string, injected: readonly Injected[]): string {
  return injected.reduce((rest, { secret, inHeaders }) => redactedText(rest, secret, inHeaders), value);
}

export function redactedBody(body: Buffer, injected: readonly Injected[]): Buffer {
  return injected.reduce((rest, { secret }) => redactedBytes(rest, secret), body);
}
