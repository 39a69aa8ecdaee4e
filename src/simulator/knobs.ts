import type { RidStyle } from './errors.ts';

/** Behaviour that the documentation leaves open, and that tests want to change. */
export interface Knobs {
  /** Plain http gets 43003. */
  requireHttps: boolean;
  /** A chunked request body gets 412. */
  refuseChunked: boolean;
  /** `POST` on media/get, media/get/jssdk and getticket works like `GET`; otherwise it gets 43001. */
  postForGet: boolean;
  /** The form of the rid in every errmsg; `auto` is the current form of each endpoint. */
  ridStyle: RidStyle | 'auto';
  /** Writes `/` as `\/` in error bodies, as parts of the platform do. */
  escapeSlashes: boolean;
  /** Adds the headers LogicRet and RetKey to errors. */
  logicRet: boolean;
  /** Compresses answers for callers whose Accept-Encoding allows gzip. */
  gzip: boolean;
  /** The errcode for a string that was never a token. */
  unknownToken: number;
  /** The errcode for a valid token of another kind, such as a user's login token on a normal call. */
  wrongKind: number;
  /** The errcode for a wrong AppSecret. */
  wrongSecret: number;
  /** The errcode for a forced refresh too soon after the last one; 0: the current token, unchanged. */
  forceTooSoon: number;
  /** The errcode for a forced refresh over the daily quota. */
  forceOverQuota: number;
  /**
   * Where an account's IP list applies: to `secret` calls only, or to `all` calls (61004 on those with a
   * token).
   */
  ipCheck: 'secret' | 'all';
  /** The origins whose URLs a Wechatmp-Signature may cover. */
  signedOrigins: readonly string[];
  /** The longest request body that is kept; of longer ones only length and hash are kept. */
  keepBodyBytesMax: number;
}

export const DEFAULT_KNOBS: Knobs = {
  requireHttps: false,
  refuseChunked: true,
  postForGet: true,
  ridStyle: 'auto',
  escapeSlashes: false,
  logicRet: false,
  gzip: false,
  unknownToken: 40001,
  wrongKind: 40001,
  wrongSecret: 40125,
  forceTooSoon: 0,
  forceOverQuota: 45009,
  ipCheck: 'secret',
  signedOrigins: ['https://api.weixin.qq.com'],
  keepBodyBytesMax: 32 * 1024 * 1024,
};
