export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Every text of the page. Placeholders such as `{n}` are filled in when it is shown. */
export interface Words {
  readonly title: string;
  readonly otherLanguage: string;
  readonly logIn: string;
  readonly logInHint: string;
  readonly key: string;
  readonly wrongKey: string;
  readonly tooOften: string;
  readonly logOut: string;
  readonly accounts: string;
  readonly sidecars: string;
  readonly thisHub: string;
  readonly upFor: string;
  readonly lost: string;
  readonly noScript: string;
  readonly allGood: string;
  readonly someBad: string;
  readonly noAccounts: string;
  readonly onlyLogins: string;
  readonly logins: string;
  readonly loginsHint: string;
  readonly sidecarsConnected: string;
  readonly noSidecars: string;
  readonly moreRows: string;
  readonly good: string;
  readonly renewing: string;
  readonly failing: string;
  readonly none: string;
  readonly lifeLeft: string;
  readonly ended: string;
  readonly noToken: string;
  readonly fingerprint: string;
  readonly age: string;
  readonly nextRefresh: string;
  readonly atOnce: string;
  readonly inTime: string;
  readonly ago: string;
  readonly by: string;
  readonly here: string;
  readonly elsewhere: string;
  readonly storeTroubles: Readonly<Record<string, string>>;
  readonly lastDay: string;
  readonly fetches: string;
  readonly fetchesHere: string;
  readonly forced: string;
  readonly ofMax: string;
  readonly now: string;
  readonly dayAgo: string;
  readonly failureNow: string;
  readonly failureOver: string;
  readonly refresh: string;
  readonly refreshing: string;
  readonly askTitle: string;
  readonly costStable: string;
  readonly costStableNone: string;
  readonly costClassic: string;
  readonly costBoth: string;
  readonly confirm: string;
  readonly cancel: string;
  readonly renewed: string;
  readonly unchanged: string;
  readonly refused: string;
  readonly caller: string;
  readonly address: string;
  readonly pod: string;
  readonly streams: string;
  readonly since: string;
  readonly units: { readonly d: string; readonly h: string; readonly m: string; readonly s: string };
  readonly triggers: Readonly<Record<string, string>>;
  readonly results: Readonly<Record<string, string>>;
}

export const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    title: 'Token hub',
    otherLanguage: '中文',
    logIn: 'Log in',
    logInHint: 'Use the key of a client from the settings of this hub.',
    key: 'Client key',
    wrongKey: 'No client of this hub has this key.',
    tooOften: 'This is not the key of a client, and there were too many wrong keys from your address.',
    logOut: 'Log out',
    accounts: 'Accounts',
    sidecars: 'Sidecars',
    thisHub: 'Hub',
    upFor: 'up for {t}',
    lost: 'The hub does not answer. What you see is from {t} ago.',
    noScript: 'This page needs JavaScript to show what is going on.',
    allGood: 'All is well. Accounts with a token: {n} of {n}.',
    someBad: 'Accounts that need attention: {bad} of {n}.',
    noAccounts: 'There is no account here that you may use.',
    onlyLogins: 'No account here has a token to look after.',
    logins: 'Accounts that only log people in',
    loginsHint: 'Mode login: their AppSecret is filled into logins, and they have no token.',
    sidecarsConnected: '{n} connected',
    noSidecars: 'No sidecar is connected to this hub.',
    moreRows: 'and more',
    good: 'in good order',
    renewing: 'renewing',
    failing: 'needs attention',
    none: 'no token',
    lifeLeft: 'of life left',
    ended: 'ended',
    noToken: 'There is no token.',
    fingerprint: 'Fingerprint',
    age: 'Age',
    nextRefresh: 'Next refresh',
    atOnce: 'now',
    inTime: 'in {t}',
    ago: '{t} ago',
    by: 'Fetched by',
    here: 'this hub',
    elsewhere: 'another hub',
    storeTroubles: {
      unavailable:
        'The store that the hubs share cannot be reached. Tokens are served from memory until it is back.',
      undecryptable:
        'What is in the store is not encrypted with the key of this hub. Give all hubs the same encryptionKeyFile.',
      alone:
        'The store that the hubs share cannot be reached. This hub refreshes on its own, which is safe in mode stable.',
      withheld:
        'The store that the hubs share cannot be reached. Until it is back this account is not refreshed, because in mode classic two hubs would invalidate each other’s tokens.',
    },
    lastDay: 'Refreshes of the last day',
    fetches: 'Fetches',
    fetchesHere: 'Fetches by this hub',
    forced: 'Forced',
    ofMax: '{used} of {max}',
    now: 'now',
    dayAgo: '24 h ago',
    failureNow: 'Failing for {t} ({n}×):',
    failureOver: 'Over. It failed {n}×, last {t} ago:',
    refresh: 'Refresh now',
    refreshing: 'Refreshing …',
    askTitle: 'Refresh the token of {name} now?',
    costStable:
      'This spends one of the {left} forced refreshes that are left of today’s {max}. They are the reserve for the day when somebody else overwrites the token.',
    costStableNone:
      'No forced refresh is left today. The platform is still asked, but will most likely return the same token.',
    costClassic: 'This spends one of the day’s {max} fetches; {used} are used.',
    costBoth:
      'The new token replaces the current one. Sidecars have it within a second; other programs that hold the current one have about five minutes.',
    confirm: 'Refresh',
    cancel: 'Leave it',
    renewed: 'There is a new token: {f}.',
    unchanged: 'The platform returned the same token.',
    refused: 'That did not work: {why}',
    caller: 'Caller',
    address: 'Address',
    pod: 'Pod',
    streams: 'Streams',
    since: 'Connected for',
    units: { d: ' d', h: ' h', m: ' min', s: ' s' },
    triggers: {
      startup: 'at the start',
      ahead: 'ahead of its end',
      refused: 'after a refusal',
      forced: 'forced',
      manual: 'by hand',
      elsewhere: 'by another hub',
    },
    results: { renewed: 'renewed', unchanged: 'the same token', failed: 'failed' },
  },
  zh: {
    title: '中控服务器',
    otherLanguage: 'English',
    logIn: '登录',
    logInHint: '请使用本中控配置中某个客户端的密钥。',
    key: '客户端密钥',
    wrongKey: '没有客户端使用这个密钥。',
    tooOften: '这不是任何调用方的密钥，并且来自您地址的错误密钥过多。',
    logOut: '退出',
    accounts: '账号',
    sidecars: 'Sidecar',
    thisHub: '中控',
    upFor: '已运行 {t}',
    lost: '中控没有应答。所示为 {t} 前的状态。',
    noScript: '本页需要启用 JavaScript。',
    allGood: '一切正常：有 token 的账号 {n} / {n}。',
    someBad: '{n} 个账号中有 {bad} 个需要处理。',
    noAccounts: '这里没有您可以使用的账号。',
    onlyLogins: '这里没有需要维护 token 的账号。',
    logins: '只用于登录的账号',
    loginsHint: 'login 模式：AppSecret 用于登录，没有 token。',
    sidecarsConnected: '{n} 个已连接',
    noSidecars: '没有 sidecar 连接到本中控。',
    moreRows: '等',
    good: '正常',
    renewing: '正在刷新',
    failing: '需要处理',
    none: '没有 token',
    lifeLeft: '剩余有效期',
    ended: '已过期',
    noToken: '当前没有 token。',
    fingerprint: '指纹',
    age: '已使用',
    nextRefresh: '下次刷新',
    atOnce: '即刻',
    inTime: '{t}后',
    ago: '{t}前',
    by: '由谁获取',
    here: '本中控',
    elsewhere: '另一个中控',
    storeTroubles: {
      unavailable: '无法连接各中控共用的存储，恢复之前由内存提供 token。',
      undecryptable: '存储中的内容不是用本中控的密钥加密的，请让所有中控使用同一个 encryptionKeyFile。',
      alone: '无法连接各中控共用的存储，本中控自行刷新；在 stable 模式下这没有害处。',
      withheld:
        '无法连接各中控共用的存储。在 classic 模式下两个刷新者会使彼此的 token 失效，因此恢复之前不刷新该账号。',
    },
    lastDay: '最近一天的刷新',
    fetches: '获取次数',
    fetchesHere: '本中控获取次数',
    forced: '强制刷新',
    ofMax: '{used} / {max}',
    now: '现在',
    dayAgo: '24 小时前',
    failureNow: '已持续失败 {t}，共 {n} 次：',
    failureOver: '已恢复。此前失败 {n} 次，最近一次在 {t}前：',
    refresh: '立即刷新',
    refreshing: '正在刷新 …',
    askTitle: '现在刷新“{name}”的 token？',
    costStable:
      '这会用掉今日 {max} 次强制刷新中的一次，目前还剩 {left} 次。它们是 token 被别的程序覆盖时的后备。',
    costStableNone: '今日的强制刷新已用完。仍会向平台请求，但很可能得到同一个 token。',
    costClassic: '这会用掉今日 {max} 次获取额度中的一次，已用 {used} 次。',
    costBoth:
      '新 token 会取代当前的 token。Sidecar 在一秒内得到它；仍持有当前 token 的其他程序大约还有五分钟。',
    confirm: '刷新',
    cancel: '取消',
    renewed: '已有新的 token：{f}。',
    unchanged: '平台返回了同一个 token。',
    refused: '没有成功：{why}',
    caller: '调用方',
    address: '地址',
    pod: 'Pod',
    streams: '连接数',
    since: '已连接',
    units: { d: ' 天', h: ' 小时', m: ' 分', s: ' 秒' },
    triggers: {
      startup: '启动时',
      ahead: '到期前',
      refused: '被拒绝后',
      forced: '强制',
      manual: '手动',
      elsewhere: '由另一个中控',
    },
    results: { renewed: '已更新', unchanged: '同一个 token', failed: '失败' },
  },
};

/** The first language of ?lang= and Accept-Language that we have; otherwise English. */
export function languageOf(asked: string | null, accepted: string | undefined): Language {
  const named = LANGUAGES.find((language) => language === asked);
  if (named !== undefined) return named;
  const wanted = (accepted ?? '')
    .slice(0, 200)
    .split(',')
    .map((item) => {
      const [tag = '', ...params] = item.trim().toLowerCase().split(';');
      const q = params.find((param) => param.trim().startsWith('q='));
      return { tag: tag.split('-')[0], weight: q === undefined ? 1 : Number(q.trim().slice(2)) || 0 };
    })
    .toSorted((one, other) => other.weight - one.weight);
  const known = wanted.find(({ tag }) => LANGUAGES.some((language) => language === tag));
  return LANGUAGES.find((language) => language === known?.tag) ?? 'en';
}
