import type { Token } from './token.ts';

/** Why no token can be had; what a caller and an operator are told. */
export interface Unavailable {
  readonly kind: 'unavailable';
  /** The platform's own errcode where that is the cause (40125, 40164 …), else -1. */
  readonly errcode: number;
  /** One sentence for people: the cause and what to do. Holds no token and no secret. */
  readonly message: string;
}

export type TokenAnswer = { readonly kind: 'token'; readonly token: Token } | Unavailable;

/**
 * Where tokens come from: the keepers in this process, or a hub. Every wait is bounded (2.5 s, since
 * common SDKs give up at 3 s); an answer is a value, never an exception.
 */
export interface TokenSource {
  /** The account's live token, asking for a first one where there is none yet. */
  token(appid: string): Promise<TokenAnswer>;
  /**
   * Tells that the platform answered `errcode` (40001, 40014, 42001) to a call with the token of this
   * fingerprint. Answers the token to use from now on, which is the same one where the platform still
   * accepts it, or where no other could be had in time.
   */
  refused(appid: string, fingerprint: string, errcode: number): Promise<TokenAnswer>;
  /** The appid whose token, of now or of earlier, has this fingerprint. */
  ownerOf(fingerprint: string): string | undefined;
}
