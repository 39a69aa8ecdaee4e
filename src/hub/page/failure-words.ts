import type { AccountStatus } from '../../keeper/status.ts';
import type { Language } from './words.ts';

const CONSOLE = '微信公众平台（mp.weixin.qq.com）或微信开发者平台（developers.weixin.qq.com）';

/** The cause and the remedy. */
const CHINESE: Readonly<Record<number, readonly [cause: string, remedy: string]>> = {
  40001: ['AppSecret 错误，或属于另一个账号', `在${CONSOLE}核对 AppID 与 AppSecret`],
  40002: [
    '平台不认识 client_credential 这种 grant_type',
    '检查上游地址是否为微信 API 域名，以及途中是否有程序改写请求',
  ],
  40013: ['平台不认识这个 AppID', `在${CONSOLE}核对 AppID`],
  40125: ['AppSecret 错误，可能已被重置', `填写${CONSOLE}中显示的 AppSecret，或在那里重置`],
  40164: ['调用来源的 IP 不在该账号的 IP 白名单中', `在${CONSOLE}把它加入 IP 白名单`],
  40243: ['AppSecret 已被冻结', `在${CONSOLE}解冻，约十分钟后生效`],
  41002: ['AppID 没有到达平台', '检查 appid 设置，以及途中是否有程序改写请求'],
  41004: ['AppSecret 没有到达平台', '检查 AppSecret 设置，以及途中是否有程序改写请求'],
  45009: [
    '该账号今日获取 token 的额度已用完',
    '查明还有哪些程序在为该账号获取 token，改用 stable 模式，或在后台清零额度',
  ],
  50004: ['该账号不允许获取 token', `在${CONSOLE}查看有关该账号的通知`],
  50007: ['账号已被冻结', `在${CONSOLE}查看有关该账号的通知`],
  61024: [
    '这个 AppID 属于第三方平台，其 token 由 api_component_token 获取',
    '填写账号的 AppID，而不是第三方平台的',
  ],
  89501: ['来自此 IP 的调用正等待管理员确认', '请账号管理员在微信中确认'],
  89503: ['来自此 IP 的调用需要管理员确认', '请账号管理员在微信发来的模板消息中确认'],
  89506: ['管理员多次拒绝此 IP，平台将其封禁 24 小时', `等待，或在${CONSOLE}把该 IP 加入白名单`],
  89507: ['管理员拒绝了此 IP，平台将其封禁 1 小时', `等待，或在${CONSOLE}把该 IP 加入白名单`],
  45011: ['平台限制每分钟获取 token 的次数', '无需处理，会自动重试'],
};

/** The failure in words, with the remedy. */
export function failureWords(
  { errcode, message }: NonNullable<AccountStatus['lastFailure']>,
  language: Language,
): string {
  if (language === 'en') return message;
  const [cause, remedy] = CHINESE[errcode] ?? otherWords(errcode, message);
  const ip = /calls come from ([0-9a-f.:]{2,45}?)\.(?:\s|$)/i.exec(message)?.[1];
  const seen = ip === undefined ? '' : `平台看到的来源 IP 是 ${ip}。`;
  const code = errcode === -1 ? '' : `（errcode ${errcode}）`;
  return `没有取得 access_token${code}：${cause}。${seen}处理办法：${remedy}。`;
}

function otherWords(errcode: number, message: string): readonly [string, string] {
  if (errcode !== -1) {
    return errcode >= 89500 && errcode <= 89509
      ? ['平台要求管理员同意来自此 IP 的调用', '请账号管理员查看微信发来的消息']
      : ['平台拒绝给出 token', '在微信官方文档的返回码列表中查询此 errcode'];
  }
  const life = /live for (?:(\d+) s|less than one second) \(expires_in\)/.exec(message);
  if (life !== null) {
    const words = life[1] === undefined ? '不足 1 秒' : `只有 ${life[1]} 秒`;
    return [
      `平台给出的 access_token 有效期${words}，因此每 30 秒最多获取一次`,
      '检查上游地址是否为微信 API 域名，以及中间是否有其他程序代为应答',
    ];
  }
  const detail = /\(([^()]{1,80})\)/.exec(message)?.[1];
  const suffix = detail === undefined || detail.startsWith('errcode') ? '' : `（${detail}）`;
  if (message.includes('could not be reached')) {
    return [`无法连接平台${suffix}`, '检查到上游的路由、DNS 与 TLS；会自动重试'];
  }
  if (message.includes('is unusable')) {
    return [`平台的应答无法理解${suffix}`, '检查上游地址是否为微信 API 域名；会自动重试'];
  }
  return ['平台繁忙', '无需处理，会自动重试'];
}
