import { constants, createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';

/**
 * `pay_sig` of /xpay/ and /wxa/game/: over the path without its query and the body's raw bytes.
 * https://developers.weixin.qq.com/minigame/introduction/commercialization/virtual-payment/signature.html
 */
export function paySignature(payKey: string, path: string, body: Buffer): string {
  return createHmac('sha256', payKey).update(`${path}&`).update(body).digest('hex');
}

/** `signature` of calls on behalf of a user; the session key is used as text, not decoded. */
export function userSignature(sessionKey: string, body: Buffer): string {
  return createHmac('sha256', sessionKey).update(body).digest('hex');
}

export function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

export interface ApiSignature {
  /** Scheme, host and path, without a query. */
  readonly url: string;
  readonly appid: string;
  readonly timestamp: string;
  readonly body: Buffer;
  readonly signature: string;
}

/**
 * Wechatmp-Signature with RSAwithSHA256 (PSS): over the URL, the appid, the timestamp and the raw bytes of
 * the body, one line each.
 * https://developers.weixin.qq.com/miniprogram/dev/server/getting_started/api_signature.html
 */
export function verifyApiSignature(publicKeyPem: string, signed: ApiSignature): boolean {
  const text = Buffer.concat([
    Buffer.from(`${signed.url}\n${signed.appid}\n${signed.timestamp}\n`),
    signed.body,
  ]);
  try {
    const key = createPublicKey(publicKeyPem);
    const options = {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_AUTO,
    };
    return verify('sha256', text, options, Buffer.from(signed.signature, 'base64'));
  } catch {
    return false;
  }
}
