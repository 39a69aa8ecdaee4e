import { APP_MODES, type AppMode } from '../token/token.ts';
import { appSecretText } from './app-secret.ts';
import { type Setting, TOKEN_ROLES } from './setting.ts';
import * as form from './forms.ts';
import type { HostPort, Role } from './settings.ts';
import { RIGHTS, type Right } from '../hub-api/rights.ts';

/** The simulator knows the accounts that it is given, beside its own. */
const ACCOUNT_ROLES: readonly Role[] = ['proxy', 'hub', 'simulator'];
const HUB: readonly Role[] = ['hub'];

export const appAppid: Setting<string> = {
  key: 'apps[].appid',
  env: 'WECHAT_APPID',
  form: form.appid,
  roles: ACCOUNT_ROLES,
  live: true,
  meaning:
    'An account. The one in the environment is added to those in the file; the same appid twice is an error.',
  meaningZh: '一个账号的 AppID。环境变量中的账号会与文件中的账号合并；同一个 AppID 出现两次视为错误。',
};

export const appSecret: Setting<string> = {
  key: 'apps[].secret',
  env: 'WECHAT_APPSECRET',
  form: appSecretText,
  secret: true,
  roles: ACCOUNT_ROLES,
  live: true,
  meaning: 'Its AppSecret. A file is the better place for it: see `apps[].secretFile`.',
  meaningZh: '该账号的 AppSecret。更推荐放在文件里，见 `apps[].secretFile`。',
};

export const appSecretFile: Setting<string> = {
  key: 'apps[].secretFile',
  env: 'WECHAT_APPSECRET_FILE',
  form: form.filePath,
  file: 'secret',
  roles: ACCOUNT_ROLES,
  live: true,
  meaning: 'A file that holds the AppSecret and nothing else.',
  meaningZh: '只含 AppSecret 的文件。',
};

export const appMode: Setting<AppMode> = {
  key: 'apps[].mode',
  env: 'WECHAT_TOKEN_MODE',
  default: 'stable',
  form: form.oneOf(APP_MODES),
  roles: ACCOUNT_ROLES,
  live: true,
  meaning:
    '`stable` (POST /cgi-bin/stable_token), `classic` (GET /cgi-bin/token), or `login`: an account of a website or app that only logs people in, for which no token is ever fetched. The environment also sets it for accounts in the file that name none.',
  meaningZh:
    '`stable`（POST /cgi-bin/stable_token）、`classic`（GET /cgi-bin/token）或 `login`：只用于登录的网站或应用账号，从不获取 token。文件中未写 mode 的账号也以环境变量为准。',
};

export const appName: Setting<string> = {
  key: 'apps[].name',
  defaultNote: { en: 'the appid', zh: 'AppID' },
  form: form.label,
  roles: ACCOUNT_ROLES,
  live: true,
  meaning: "A name for people: the hub's page and API show it.",
  meaningZh: '给人看的名称，显示在中控的页面和 API 里。',
};

export const defaultApp: Setting<string> = {
  key: 'defaultApp',
  env: 'WECHAT_SIDECAR_DEFAULT_APP',
  defaultNote: { en: 'the only account, else none', zh: '唯一的账号；有多个时无' },
  form: form.appid,
  roles: ['proxy'],
  live: true,
  meaning: 'The account of a call that names none.',
  meaningZh: '请求未指明账号时使用的账号。',
};

export const hubUrl: Setting<string> = {
  key: 'hub.url',
  env: 'WECHAT_SIDECAR_HUB_URL',
  form: form.origin,
  itemsMax: 16,
  roles: ['proxy'],
  live: false,
  meaning:
    'The hub that the proxy takes its tokens from; the proxy then holds no secret. Several addresses of one hub are tried in order.',
  meaningZh: '中控服务器地址，边车从那里取 token，自身不再持有任何密钥。同一中控的多个地址按顺序尝试。',
};

export const hubTokenFile: Setting<string> = {
  key: 'hub.tokenFile',
  env: 'WECHAT_SIDECAR_HUB_TOKEN_FILE',
  form: form.filePath,
  file: 'secret',
  roles: ['proxy'],
  live: false,
  meaning: 'A file with the credential for the hub, read again for each use.',
  meaningZh: '访问中控所用凭证的文件，每次使用都重新读取。',
};

export const hubApps: Setting<string> = {
  key: 'hub.apps',
  env: 'WECHAT_SIDECAR_HUB_APPS',
  defaultNote: { en: 'all that the hub allows', zh: '中控允许的全部账号' },
  form: form.appid,
  itemsMax: 1_000,
  roles: ['proxy'],
  live: false,
  meaning: 'The only accounts that this proxy uses, of those that the hub lets it use.',
  meaningZh: '在中控允许的账号中，本边车只使用这些。',
};

export const storeUrl: Setting<string> = {
  key: 'store.url',
  env: 'WECHAT_SIDECAR_STORE',
  default: 'memory',
  form: form.storeUrl,
  // A Redis URL may hold a password.
  secret: true,
  roles: TOKEN_ROLES,
  live: true,
  meaning:
    'Where tokens are kept: `memory`, `file:/path`, `redis://…` or `rediss://…`. In the file `store: memory` will do. Another Redis, user or password is taken over while it runs, once it works; another kind of store needs a restart.',
  meaningZh:
    'token 的存放处：`memory`、`file:/path`、`redis://…` 或 `rediss://…`。文件中可直接写 `store: memory`。更换 Redis 的地址、用户或密码无需重启，新设置可用后才会切换；更换存储类型需要重启。',
};

export const storePasswordFile: Setting<string> = {
  key: 'store.passwordFile',
  env: 'WECHAT_SIDECAR_STORE_PASSWORD_FILE',
  form: form.filePath,
  file: 'secret',
  roles: TOKEN_ROLES,
  live: true,
  meaning:
    'A file with the password for Redis, in place of one in the URL. It is read again when it changes.',
  meaningZh: '含有 Redis 密码的文件，用来代替 URL 里的密码；文件变化时重新读取。',
};

export const storeSentinels: Setting<HostPort> = {
  key: 'store.sentinels',
  form: form.hostPort,
  itemsMax: 16,
  roles: TOKEN_ROLES,
  live: true,
  meaning: 'Redis Sentinels; the host in the URL is then the name of the group, as in `redis://mymaster/0`.',
  meaningZh: 'Redis Sentinel 列表；此时 URL 的主机名是主节点组名，如 `redis://mymaster/0`。',
};

export const storeCluster: Setting<boolean> = {
  key: 'store.cluster',
  default: 'false',
  form: form.yesOrNo,
  roles: TOKEN_ROLES,
  live: true,
  meaning: 'The URL names a node of a Redis Cluster.',
  meaningZh: 'URL 指向 Redis Cluster 的一个节点。',
};

export const storeKeyPrefix: Setting<string> = {
  key: 'store.keyPrefix',
  default: 'wechat-sidecar:',
  form: form.keyPrefix,
  roles: TOKEN_ROLES,
  live: false,
  meaning: 'What every key in Redis begins with.',
  meaningZh: 'Redis 中所有键的前缀。',
};

export const storeEncryptionKeyFile: Setting<string> = {
  key: 'store.encryptionKeyFile',
  form: form.filePath,
  file: 'secret',
  roles: TOKEN_ROLES,
  live: false,
  meaning:
    'A file with a key of at least 16 characters; tokens are then stored encrypted, and stored tokens that are not encrypted with it are not read.',
  meaningZh: '含有至少 16 个字符密钥的文件；设置后 token 加密存储，存储中未用此密钥加密的 token 不会被读取。',
};

export const clientName: Setting<string> = {
  key: 'clients[].name',
  form: form.label,
  roles: HUB,
  live: true,
  meaning: 'A caller of the hub, by the name that logs and metrics show.',
  meaningZh: '中控的一个调用方，日志和指标中显示此名称。',
};

export const clientKeySha256: Setting<string> = {
  key: 'clients[].keySha256',
  form: form.sha256Hex,
  // Whoever misreads the name puts the key itself here.
  secret: true,
  roles: HUB,
  live: true,
  meaning: 'The SHA-256 of its key, in hex.',
  meaningZh: '其密钥的 SHA-256（十六进制）。',
};

export const clientKeyFile: Setting<string> = {
  key: 'clients[].keyFile',
  env: 'WECHAT_HUB_CLIENT_KEY_FILE',
  form: form.filePath,
  file: 'secret',
  roles: HUB,
  live: true,
  meaning:
    'A file with its key. The one in the environment is a client named `default` that may use every account.',
  meaningZh: '含有其密钥的文件。环境变量指定的是名为 `default`、可使用所有账号的调用方。',
};

export const clientApps: Setting<string> = {
  key: 'clients[].apps',
  form: form.appidOrAll,
  itemsMax: 1_000,
  roles: HUB,
  live: true,
  meaning: 'The accounts it may use; `"*"` for every one.',
  meaningZh: '允许使用的账号；`"*"` 表示全部。',
};

const MAY = {
  defaultNote: { en: 'all but `refresh`', zh: '除 `refresh` 外的全部' },
  form: form.oneOf(RIGHTS),
  itemsMax: RIGHTS.length,
  neverEmpty: true,
  roles: HUB,
  live: true,
} as const;

export const clientMay: Setting<Right> = {
  key: 'clients[].may',
  ...MAY,
  meaning:
    'What it may do with them: some of `tokens` (with watching and reporting), `tickets`, `sign` (JS-SDK calls), `relay` (calls with the AppSecret) and `refresh` (the button of the page). The client `default` may do all.',
  meaningZh:
    '允许做什么：`tokens`（含监听和上报）、`tickets`、`sign`（JS-SDK 签名）、`relay`（带 AppSecret 的调用）、`refresh`（页面上的刷新按钮）中的若干项。名为 `default` 的调用方可以做全部。',
};

const URL_HOSTS = {
  defaultNote: { en: 'all', zh: '全部' },
  form: form.hostName,
  itemsMax: 200,
  roles: HUB,
  live: true,
} as const;

export const clientUrlHosts: Setting<string> = {
  key: 'clients[].jssdk.allowedUrlHosts',
  ...URL_HOSTS,
  meaning: 'The only hosts whose pages it may have signed for the JS-SDK. Take `tickets` away from it too.',
  meaningZh: '只允许为这些主机的页面做 JS-SDK 签名。同时应去掉它的 `tickets` 权限。',
};

export const kubernetesAudience: Setting<string> = {
  key: 'kubernetes.audience',
  default: 'wechat-sidecar-hub',
  form: form.label,
  roles: ['hub', 'injector'],
  live: false,
  meaning: 'The audience that a projected service account token must carry.',
  meaningZh: '投射的服务账号令牌必须携带的 audience。',
};

export const allowNamespace: Setting<string> = {
  key: 'kubernetes.allow[].namespace',
  form: form.kubernetesName,
  roles: HUB,
  live: true,
  meaning: 'The namespace of a service account that may use the hub.',
  meaningZh: '允许使用中控的服务账号所在的命名空间。',
};

export const allowServiceAccount: Setting<string> = {
  key: 'kubernetes.allow[].serviceAccount',
  form: form.kubernetesNameOrAll,
  roles: HUB,
  live: true,
  meaning: 'Its name; `"*"` for every one of that namespace.',
  meaningZh: '服务账号名；`"*"` 表示该命名空间内的全部。',
};

export const allowApps: Setting<string> = {
  key: 'kubernetes.allow[].apps',
  form: form.appidOrAll,
  itemsMax: 1_000,
  roles: HUB,
  live: true,
  meaning: 'The accounts it may use; `"*"` for every one.',
  meaningZh: '允许使用的账号；`"*"` 表示全部。',
};

export const allowMay: Setting<Right> = {
  key: 'kubernetes.allow[].may',
  ...MAY,
  meaning: 'What it may do with them, as `clients[].may`.',
  meaningZh: '允许做什么，同 `clients[].may`。',
};

export const allowUrlHosts: Setting<string> = {
  key: 'kubernetes.allow[].jssdk.allowedUrlHosts',
  ...URL_HOSTS,
  meaning: 'The only hosts whose pages it may have signed, as `clients[].jssdk.allowedUrlHosts`.',
  meaningZh: '只允许为这些主机的页面签名，同 `clients[].jssdk.allowedUrlHosts`。',
};

export const tlsCertFile: Setting<string> = {
  key: 'tls.certFile',
  env: 'WECHAT_SIDECAR_TLS_CERT_FILE',
  form: form.filePath,
  file: 'public',
  roles: ['hub', 'injector'],
  live: false,
  meaning:
    'The certificate chain that the hub or the injector shows (PEM). Read again when the file changes.',
  meaningZh: '中控或注入器使用的证书链（PEM），文件变化时自动重读。',
};

export const tlsKeyFile: Setting<string> = {
  key: 'tls.keyFile',
  env: 'WECHAT_SIDECAR_TLS_KEY_FILE',
  form: form.filePath,
  file: 'secret',
  roles: ['hub', 'injector'],
  live: false,
  meaning: 'The private key of that certificate (PEM). Read again likewise.',
  meaningZh: '该证书的私钥（PEM），同样自动重读。',
};

export const tlsCaFile: Setting<string> = {
  key: 'tls.caFile',
  env: 'WECHAT_SIDECAR_TLS_CA_FILE',
  form: form.filePath,
  file: 'public',
  roles: TOKEN_ROLES,
  live: true,
  meaning:
    'Further authorities (PEM) that upstreams and hub may be certified by, beside the public ones and those of `NODE_EXTRA_CA_CERTS`. Read again when the file changes.',
  meaningZh:
    '访问平台和中控时额外信任的 CA 证书（PEM），与公共 CA 及 `NODE_EXTRA_CA_CERTS` 同时生效；文件变化时自动重读。',
};
