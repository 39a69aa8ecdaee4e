/**
 * The platform's general host names: the nearest one, the remote one for disaster recovery, and three
 * regions. Source: developers.weixin.qq.com/doc/service/Basic_Information/Interface_field_description.html
 */
export const API_HOSTS: ReadonlySet<string> = new Set([
  'api.weixin.qq.com',
  'api2.weixin.qq.com',
  'sh.api.weixin.qq.com',
  'sz.api.weixin.qq.com',
  'hk.api.weixin.qq.com',
]);

export const WECOM_HOST = 'qyapi.weixin.qq.com';

const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/;

/**
 * The lower-case host name of `host[:port]`, without brackets and without a trailing dot; `undefined`
 * if it is invalid (user information, an empty name, unexpected characters).
 */
export function hostnameOf(authority: string): string | undefined {
  const host = AUTHORITY.exec(authority)?.[1];
  if (host === undefined) return undefined;
  const name = host.startsWith('[') ? host.slice(1, -1) : host.replace(/\.$/, '');
  return name === '' ? undefined : name.toLowerCase();
}

export function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '::1' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
