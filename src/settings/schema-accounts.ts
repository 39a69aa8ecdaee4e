import * as z from 'zod/mini';
import { RIGHTS } from '../hub-api/rights.ts';
import { APP_MODES } from '../token/token.ts';
import { appSecretText } from './app-secret.ts';
import { ACCOUNT_ROLES, HUB, PROXY, TLS_ROLES, TOKEN_ROLES } from './role.ts';
import { group, orEmpty, setting } from './setting.ts';
import * as type from './types.ts';

/** The accounts. If a required one is missing, `accounts.ts` reports it, with what to do. */
export const apps = () =>
  orEmpty(
    z.array(
      z.strictObject({
        appid: setting(
          type.appid,
          { env: 'WECHAT_APPID', roles: ACCOUNT_ROLES, live: true },
          'An account. The one in the environment is added to those in the file; the same appid twice is an error.',
          '一个账号的 AppID。环境变量中的账号会与文件中的账号合并；同一个 AppID 出现两次视为错误。',
        ),
        secret: setting(
          appSecretText,
          { env: 'WECHAT_APPSECRET', roles: ACCOUNT_ROLES, live: true, secret: true },
          'Its AppSecret. A file is the better place for it: see `apps[].secretFile`.',
          '该账号的 AppSecret。更推荐放在文件里，见 `apps[].secretFile`。',
        ),
        secretFile: setting(
          type.filePath,
          { env: 'WECHAT_APPSECRET_FILE', roles: ACCOUNT_ROLES, live: true, file: 'secret' },
          'A file that holds the AppSecret and nothing else.',
          '只含 AppSecret 的文件。',
        ),
        mode: setting(
          type.oneOf(APP_MODES),
          {
            env: 'WECHAT_TOKEN_MODE',
            default: 'stable',
            roles: ACCOUNT_ROLES,
            live: true,
            forEachItem: true,
          },
          '`stable` (POST /cgi-bin/stable_token), `classic` (GET /cgi-bin/token), or `login`: an account of a website or app that only logs people in, for which no token is ever fetched. The environment also sets it for accounts in the file that name none.',
          '`stable`（POST /cgi-bin/stable_token）、`classic`（GET /cgi-bin/token）或 `login`：只用于登录的网站或应用账号，从不获取 token。文件中未写 mode 的账号也以环境变量为准。',
        ),
        name: setting(
          type.label,
          { defaultNote: { en: 'the appid', zh: 'AppID' }, roles: ACCOUNT_ROLES, live: true },
          "A name for people: the hub's page and API show it.",
          '给人看的名称，显示在中控的页面和 API 里。',
        ),
      }),
    ),
  );

export const defaultApp = () =>
  setting(
    type.appid,
    {
      env: 'WECHAT_SIDECAR_DEFAULT_APP',
      defaultNote: { en: 'the only account, else none', zh: '唯一的账号；有多个时无' },
      roles: PROXY,
      live: true,
    },
    'The account of a call that names none.',
    '请求未指明账号时使用的账号。',
  );

export const hub = () =>
  group(
    {
      url: setting(
        type.list(type.origin, 16),
        { env: 'WECHAT_SIDECAR_HUB_URL', roles: PROXY },
        'The hub that the proxy takes its tokens from; the proxy then holds no secret. Several addresses of one hub are tried in order.',
        '中控服务器地址，边车从那里取 token，自身不再持有任何密钥。同一中控的多个地址按顺序尝试。',
      ),
      tokenFile: setting(
        type.filePath,
        { env: 'WECHAT_SIDECAR_HUB_TOKEN_FILE', roles: PROXY, file: 'secret' },
        'A file with the credential for the hub, read again for each use.',
        '访问中控所用凭证的文件，每次使用都重新读取。',
      ),
      apps: setting(
        type.list(type.appid, 1_000),
        {
          env: 'WECHAT_SIDECAR_HUB_APPS',
          defaultNote: { en: 'all that the hub allows', zh: '中控允许的全部账号' },
          roles: PROXY,
        },
        'The only accounts that this proxy uses, of those that the hub lets it use.',
        '在中控允许的账号中，本边车只使用这些。',
      ),
    },
    ({ url, tokenFile, ...rest }) => {
      if (url === undefined || tokenFile === undefined) return undefined;
      return { urls: [...new Set(url)], tokenFile, ...rest };
    },
  );

export const store = () =>
  group({
    // A Redis URL may hold a password.
    url: setting(
      type.storeUrl,
      { env: 'WECHAT_SIDECAR_STORE', default: 'memory', roles: TOKEN_ROLES, live: true, secret: true },
      'Where tokens are kept: `memory`, `file:/path`, `redis://…` or `rediss://…`. In the file `store: memory` will do. Another Redis, user or password is taken over while it runs, once it works; another kind of store needs a restart.',
      'token 的存放处：`memory`、`file:/path`、`redis://…` 或 `rediss://…`。文件中可直接写 `store: memory`。更换 Redis 的地址、用户或密码无需重启，新设置可用后才会切换；更换存储类型需要重启。',
    ),
    passwordFile: setting(
      type.filePath,
      { env: 'WECHAT_SIDECAR_STORE_PASSWORD_FILE', roles: TOKEN_ROLES, live: true, file: 'secret' },
      'A file with the password for Redis, in place of one in the URL. It is read again when it changes.',
      '含有 Redis 密码的文件，用来代替 URL 里的密码；文件变化时重新读取。',
    ),
    sentinels: setting(
      type.list(type.hostPort, 16),
      { roles: TOKEN_ROLES, live: true },
      'Redis Sentinels; the host in the URL is then the name of the group, as in `redis://mymaster/0`.',
      'Redis Sentinel 列表；此时 URL 的主机名是主节点组名，如 `redis://mymaster/0`。',
    ),
    cluster: setting(
      type.yesOrNo,
      { default: 'false', roles: TOKEN_ROLES, live: true },
      'The URL names a node of a Redis Cluster.',
      'URL 指向 Redis Cluster 的一个节点。',
    ),
    keyPrefix: setting(
      type.keyPrefix,
      { default: 'wechat-sidecar:', roles: TOKEN_ROLES },
      'What every key in Redis begins with.',
      'Redis 中所有键的前缀。',
    ),
    encryptionKeyFile: setting(
      type.filePath,
      { roles: TOKEN_ROLES, file: 'secret' },
      'A file with a key of at least 16 characters; tokens are then stored encrypted, and stored tokens that are not encrypted with it are not read.',
      '含有至少 16 个字符密钥的文件；设置后 token 加密存储，存储中未用此密钥加密的 token 不会被读取。',
    ),
  });

/** Callers of the hub that have a key. */
export const clients = () =>
  orEmpty(
    z.array(
      z.strictObject({
        name: setting(
          type.label,
          { roles: HUB, live: true },
          'A caller of the hub, by the name that logs and metrics show.',
          '中控的一个调用方，日志和指标中显示此名称。',
        ),
        // Users who misread the name put the key itself here.
        keySha256: setting(
          type.sha256Hex,
          { roles: HUB, live: true, secret: true },
          'The SHA-256 of its key, in hex.',
          '其密钥的 SHA-256（十六进制）。',
        ),
        keyFile: setting(
          type.filePath,
          { env: 'WECHAT_HUB_CLIENT_KEY_FILE', roles: HUB, live: true, file: 'secret' },
          'A file with its key. The one in the environment is a client named `default` that may use every account.',
          '含有其密钥的文件。环境变量指定的是名为 `default`、可使用所有账号的调用方。',
        ),
        apps: setting(
          type.list(type.appidOrAll, 1_000),
          { roles: HUB, live: true },
          'The accounts it may use; `"*"` for every one.',
          '允许使用的账号；`"*"` 表示全部。',
        ),
        may: setting(
          type.list(type.oneOf(RIGHTS), RIGHTS.length),
          {
            defaultNote: { en: 'all but `refresh`', zh: '除 `refresh` 外的全部' },
            roles: HUB,
            live: true,
            neverEmpty: true,
          },
          'What it may do with them: some of `tokens` (with watching and reporting), `tickets`, `sign` (JS-SDK calls), `relay` (calls with the AppSecret) and `refresh` (the button of the page). The client `default` may do all.',
          '允许做什么：`tokens`（含监听和上报）、`tickets`、`sign`（JS-SDK 签名）、`relay`（带 AppSecret 的调用）、`refresh`（页面上的刷新按钮）中的若干项。名为 `default` 的调用方可以做全部。',
        ),

        jssdk: group({
          allowedUrlHosts: setting(
            type.list(type.hostName, 200),
            { defaultNote: { en: 'all', zh: '全部' }, roles: HUB, live: true },
            'The only hosts whose pages it may have signed for the JS-SDK. Take `tickets` away from it too.',
            '只允许为这些主机的页面做 JS-SDK 签名。同时应去掉它的 `tickets` 权限。',
          ),
        }),
      }),
    ),
  );

export const kubernetes = () =>
  group({
    audience: setting(
      type.label,
      { default: 'wechat-sidecar-hub', roles: TLS_ROLES },
      'The audience that a projected service account token must carry.',
      '投射的服务账号令牌必须携带的 audience。',
    ),

    allow: orEmpty(
      z.array(
        z.strictObject({
          namespace: setting(
            type.kubernetesName,
            { roles: HUB, live: true },
            'The namespace of a service account that may use the hub.',
            '允许使用中控的服务账号所在的命名空间。',
          ),
          serviceAccount: setting(
            type.kubernetesNameOrAll,
            { roles: HUB, live: true },
            'Its name; `"*"` for every one of that namespace.',
            '服务账号名；`"*"` 表示该命名空间内的全部。',
          ),
          apps: setting(
            type.list(type.appidOrAll, 1_000),
            { roles: HUB, live: true },
            'The accounts it may use; `"*"` for every one.',
            '允许使用的账号；`"*"` 表示全部。',
          ),
          may: setting(
            type.list(type.oneOf(RIGHTS), RIGHTS.length),
            {
              defaultNote: { en: 'all but `refresh`', zh: '除 `refresh` 外的全部' },
              roles: HUB,
              live: true,
              neverEmpty: true,
            },
            'What it may do with them, as `clients[].may`.',
            '允许做什么，同 `clients[].may`。',
          ),

          jssdk: group({
            allowedUrlHosts: setting(
              type.list(type.hostName, 200),
              { defaultNote: { en: 'all', zh: '全部' }, roles: HUB, live: true },
              'The only hosts whose pages it may have signed, as `clients[].jssdk.allowedUrlHosts`.',
              '只允许为这些主机的页面签名，同 `clients[].jssdk.allowedUrlHosts`。',
            ),
          }),
        }),
      ),
    ),
  });
