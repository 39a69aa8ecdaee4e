import type { RidStyle } from './errors.ts';

/** What the documentation leaves open, and what tests want otherwise. */
export interface Knobs {
  /** Plain http is answered 43003. */
  requireHttps: boolean;
  /** A chunked request body is answered 412. */
  refuseChunked: boolean;
  /** `POST` on media/get, media/get/jssdk and getticket is served as `GET` is; else it is 43001. */
  postForGet: boolean;
  /** The form of the rid in every errmsg; `auto` is today's form of each endpoint. */
  ridStyle: RidStyle | 'auto';
  /** Writes `/` as `\/` in error bodies, as parts of the platform do. */
  escapeSlashes: boolean;
  /** Adds the headers LogicRet and RetKey to errors. */
  logicRet: boolean;
  /** Compresses answers for callers whose Accept-Encoding allows gzip. */
  gzip: boolean;
  /** The errcode for a string that never was a token. */
  unknownToken: number;
  /** The errcode for a live token of another kind, such as a user's login token on a normal call. */
  wrongKind: number;
  /** The errcode for a wrong AppSecret. */
  wrongSecret: number;
  /** The errcode for forced refreshes in too quick succession; 0: the current token, unchanged. */
  forceTooSoon: number;
  /** The errcode for the forced refresh after the last one of the day. */
  forceOverQuota: number;
  /** Where an account's IP list counts: `secret` calls only, or `all` calls (61004 on those with a token). */
  ipCheck: 'secret' | 'all';
  /** The origins whose URLs a Wechatmp-Signature may be made over. */
  signedOrigins: readonly string[];
  /** The longest request body that is kept; of longer ones only length and hash remain. */
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
