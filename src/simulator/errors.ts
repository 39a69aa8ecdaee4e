/** The platform's own texts for its error codes, as seen in responses or in its tables of return codes. */
const TEXTS: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001:
    'invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40004: 'invalid media type',
  40006: 'invalid media size',
  40007: 'invalid media_id',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40030: 'invalid refresh_token',
  40037: 'invalid template_id',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40163: 'code been used',
  40201: 'invalid action',
  40202: 'invalid check_operator',
  40226: 'code blocked',
  40230: 'missing serial',
  40231: 'missing timestamp',
  40232: 'missing signature',
  40233: 'missing appid',
  40234: 'invalid signature',
  40235: 'decrypt failed',
  40236: 'invalid appid',
  40237: 'appid not match',
  40238: 'symmetric key not found',
  40239: 'asymmetric key not found',
  40240: 'timestamp expired',
  40243: 'AppSecret has been frozen',
  41001: 'access_token missing',
  41002: 'appid missing',
  41003: 'refresh_token missing',
  41004: 'appsecret missing',
  41005: 'media data missing',
  41008: 'missing code',
  41009: 'missing openid',
  41018: 'component ticket missing',
  42001: 'access_token expired',
  42002: 'refresh_token expired',
  42006: 'component_access_token expired',
  42007: 'access_token and refresh_token exception',
  43001: 'require GET method',
  43002: 'require POST method',
  43003: 'require https',
  44002: 'empty post data',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit  mustslower  retry next minute',
  46003: 'menu no exist',
  47001: 'data format error',
  48001: 'api unauthorized',
  48006: 'forbid to clear quota because of reaching the limit',
  50004: 'forbidden to use token interface',
  50007: 'account frozen',
  61003: 'component is not authorized by this account',
  61004: 'access clientip is not registered',
  61005: 'component ticket is expired',
  61006: 'component ticket is invalid',
  61009: 'code is invalid',
  61010: 'code is expired',
  61023: 'refresh_token is invalid',
  61024: 'component appid should use api_component_token',
  76001: 'rid not found',
  76002: 'rid is error',
  76003: 'could not query this rid,no permission',
  76021: 'cgi_path not found, please check',
  76022: 'could not use this cgi_path,no permission',
  85107: 'path not on the permission list',
  87009: 'invalid signature',
  89501: 'ip is confirming by admin',
  89503: 'this ip needs to be confirmed by the admin',
  89506: 'the admin refused this ip, retry after 24 hours',
  89507: 'the admin refused this ip, retry after 1 hour',
  90009: 'mp_sig error',
  90011: 'signature error',
  268490003: 'pay_sig error',
};

export function errorText(errcode: number): string {
  return TEXTS[errcode] ?? `error ${errcode}`;
}

/**
 * How an errmsg contains the rid: the forms of different ages and back ends of the platform. `space` is the
 * current one for most calls, `comma` for secrets and logins; the `hint` forms are older.
 */
export const RID_STYLES = ['space', 'comma', 'hint', 'hints', 'reqId', 'both', 'none'] as const;
export type RidStyle = (typeof RID_STYLES)[number];

export function withRid(text: string, style: RidStyle, rid: string): string {
  const short = rid.slice(9).replace('-', '');
  const suffixes: Record<RidStyle, string> = {
    space: ` rid: ${rid}`,
    comma: `, rid: ${rid}`,
    hint: ` hint: [${short}]`,
    hints: ` hints: [${short}!]`,
    reqId: `, hints: [ req_id: ${short} ]`,
    both: ` hint: [${short}] rid: ${rid}`,
    none: '',
  };
  return text + suffixes[style];
}
