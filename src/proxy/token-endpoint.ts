import { fieldsOf, parseJson } from '../base/json.ts';
import { jsonResponse, type LocalResponse } from '../server/local-response.ts';
import { LOGIN_ONLY } from '../token/source.ts';
import { valuesOf } from '../wechat/query.ts';
import { isAppid } from '../wechat/appid.ts';
import { standInFor } from '../wechat/stand-in.ts';
import type { Target } from './gate.ts';
import type { Accounts } from './sidecar.ts';

/** SDKs subtract their safety margins from this; constant, because a stand-in never expires. */
const EXPIRES_IN_SECONDS = 7200;

/** Bodies of token calls are under 300 bytes. */
export const TOKEN_CALL_BYTES_MAX: number = 16 * 1024;

/**
 * Responds to GET|POST /cgi-bin/token and POST /cgi-bin/stable_token in the platform's format with a stand-in token for
 * a known account. The secret is not checked: pods have none.
 */
export async function answerTokenCall(
  endpoint: 'token' | 'stable_token',
  method: string,
  target: Target,
  body: Buffer,
  accounts: Pick<Accounts, 'knows' | 'isLoginOnly'>,
): Promise<LocalResponse> {
  if (method !== 'POST' && (endpoint === 'stable_token' || method !== 'GET')) {
    return platformError(43002, 'require POST method');
  }
  const appid = valuesOf(target.query, 'appid')[0] ?? appidInBody(body);
  if (appid === undefined || appid === '') return platformError(41002, 'appid missing');
  if (!isAppid(appid) || !(await accounts.knows(appid))) {
    return platformError(40013, 'invalid appid: wechat-sidecar does not serve this account', 'unknown_app');
  }
  if (accounts.isLoginOnly(appid)) {
    return platformError(40013, `invalid appid: wechat-sidecar: ${LOGIN_ONLY.message}`, 'unknown_app');
  }
  return jsonResponse(200, { access_token: standInFor(appid), expires_in: EXPIRES_IN_SECONDS });
}

/** Parses a JSON object or a form. */
function appidInBody(body: Buffer): string | undefined {
  const text = body.toString('utf8');
  if (!text.trimStart().startsWith('{')) return valuesOf(text, 'appid')[0];
  const { appid } = fieldsOf(parseJson(text));
  return typeof appid === 'string' ? appid : undefined;
}

function platformError(errcode: number, errmsg: string, reason?: string): LocalResponse {
  return jsonResponse(
    200,
    { errcode, errmsg },
    reason === undefined ? {} : { 'x-wechat-sidecar-error': reason },
  );
}
