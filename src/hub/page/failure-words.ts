import type { LastFailure } from '../../keeper/failures.ts';
import type { DenialReason } from '../../token/lease.ts';
import type { Language } from './words.ts';

type Words = readonly [cause: string, remedy: string];

const CONSOLE = '微信公众平台（mp.weixin.qq.com）或微信开发者平台（developers.weixin.qq.com）';
const AUTOMATIC = '无需处理，会自动重试';

/** By errcode. */
const CHINESE: Readonly<Record<number, Words>> = {
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
  45011: ['平台限制每分钟获取 token 的次数', AUTOMATIC],
};

const CHECK_UPSTREAM = '检查上游地址是否为微信 API 域名，以及途中是否有其他程序代为应答';
const CHECK_REDIS = '检查 Redis 是否在运行，以及从这里能否连接';

/** By the code of what is wrong with the egress proxy. */
const ROUTES: Readonly<Record<string, Words>> = {
  EGRESS_PROXY_401: ['出口代理拒绝了用户名和密码', '在 egressProxy 设置或其文件中更正'],
  EGRESS_PROXY_403: ['出口代理禁止此连接', '在代理的设置中允许 CONNECT 到上游的 443 端口'],
  EGRESS_PROXY_407: ['出口代理拒绝了用户名和密码，或要求提供', '在 egressProxy 设置或其文件中填写'],
};

const STORE: Readonly<Record<DenialReason, Words>> = {
  unavailable: ['无法连接 token 存储；没有它，两个中控可能使彼此的 classic token 失效', CHECK_REDIS],
  undecryptable: [
    '存储中的 token 不是用本中控的密钥加密的，因此仍有另一个中控在使用它',
    '让所有中控使用同一个 store.encryptionKeyFile，或在 Redis 中删除该账号以 :token 结尾的键',
  ],
  forced_unknown: ['自启动以来一直无法连接 token 存储，因此不知道还剩多少次强制刷新', CHECK_REDIS],
  forced_unrecorded: [
    'token 存储给出了租约，却不记录强制刷新，其他中控便不会计入',
    '检查 Redis 用户是否有 docs/hub.md 所列的权限，包括 +zadd 和 +zremrangebyscore',
  ],
};

/** The failure in words, with the remedy. */
export function failureWords(failure: LastFailure, language: Language): string {
  if (language === 'en') return failure.message;
  const { errcode } = failure;
  const [cause, remedy] = chineseWords(failure);
  const ip = failure.cause === 'platform' ? failure.ip : undefined;
  const seen = ip === undefined ? '' : `平台看到的来源 IP 是 ${ip}。`;
  const code = errcode === -1 ? '' : `（errcode ${errcode}）`;
  return `没有取得 access_token${code}：${cause}。${seen}处理办法：${remedy}。`;
}

function chineseWords(failure: LastFailure): Words {
  switch (failure.cause) {
    case 'platform':
      return CHINESE[failure.errcode] ?? otherErrcode(failure.errcode);
    case 'transport':
      return [`无法连接平台（${failure.reason}）`, '检查到上游的路由、DNS 与 TLS；会自动重试'];
    case 'route':
      return ROUTES[failure.reason] ?? [`到平台的路由配置有误（${failure.reason}）`, '检查 egressProxy 设置'];
    case 'unreadable':
      return [`平台的应答无法理解（${failure.detail}）`, `${CHECK_UPSTREAM}；会自动重试`];
    case 'throttled':
      return [
        `平台或其前面的网关限制了获取 token 的频率（${failure.detail}）`,
        '查明还有什么程序从此 IP 发起调用；会自动重试',
      ];
    case 'short_lived': {
      const life = failure.lifeS < 1 ? '不足 1 秒' : `只有 ${failure.lifeS} 秒`;
      return [`平台给出的 access_token 有效期${life}，因此每 30 秒最多获取一次`, CHECK_UPSTREAM];
    }
    case 'store':
      return STORE[failure.reason];
  }
}

function otherErrcode(errcode: number): Words {
  if (errcode === -1) return ['平台繁忙', AUTOMATIC];
  return errcode >= 89500 && errcode <= 89509
    ? ['平台要求管理员同意来自此 IP 的调用', '请账号管理员查看微信发来的消息']
    : ['平台拒绝给出 token', '在微信官方文档的返回码列表中查询此 errcode'];
}
