/** The platform's response bodies, in realistic sizes. */

export const PATHS = {
  small: '/cgi-bin/user/small',
  send: '/cgi-bin/message/template/send',
  json4k: '/cgi-bin/user/info',
  binary: '/cgi-bin/media/get',
  /** A small response whose length is that of the parameter `note`, and some. */
  varied: '/cgi-bin/message/custom/send',
  /** The only path that checks the token. */
  checked: '/cgi-bin/user/get',
  token: '/cgi-bin/stable_token',
  probe: '/cgi-bin/get_api_domain_ip',
  newToken: '/bench/new-token',
  /** Where OpenTelemetry's exporter sends them. */
  traces: '/v1/traces',
  /** Every path below it has a small response. */
  many: '/wxa/many/',
  /** Never answered. */
  hanging: '/wxa/hanging',
};

export const SMALL = JSON.stringify({
  errcode: 0,
  errmsg: 'ok',
  msgid: 2_990_183_746_152_399,
  request_id: `5f2c1d9a8b7e6f50_${'a'.repeat(48)}`,
});

/** `note` is letters. */
export function noted(note: string): string {
  return JSON.stringify({ errcode: 0, errmsg: 'ok', msgid: 2_990_183_746_152_399, note });
}

export const JSON_4K = JSON.stringify({
  subscribe: 1,
  openid: 'o6_bmjrPTlm6_2sgVt7hMZOPfL2M',
  language: 'zh_CN',
  remark: '',
  groupid: 0,
  tagid_list: Array.from({ length: 965 }, (_, at) => at + 100),
});

/** Not random, so that two runs measure the same; not easily compressible, like an image. */
export const BINARY = Buffer.from(
  Array.from({ length: 200 * 1_024 }, (_, at) => (at * at * 31 + at * 7) % 251),
);

export const REFUSED = JSON.stringify({
  errcode: 40001,
  errmsg: 'invalid credential, rid: 5f2c1d9a-8b7e6f50',
});
