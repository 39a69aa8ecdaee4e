import { LOG_LEVELS, type LogLevel } from '../base/log.ts';
import { CALLING_ROLES, PROXIES, SERVERS, type Setting, TOKEN_ROLES } from './setting.ts';
import * as form from './forms.ts';
import type { HostPort, Role } from './settings.ts';

const SIMULATORS: readonly Role[] = ['simulator', 'demo'];

/** Read before everything else; it has no place in the file that it names. */
export const configFile: Setting<string> = {
  key: '',
  env: 'WECHAT_SIDECAR_CONFIG',
  form: form.filePath,
  roles: [...SERVERS, 'shutdown'],
  live: false,
  meaning: 'The settings file (YAML), as `--config FILE` is.',
  meaningZh: '配置文件（YAML），等同于 `--config FILE`。',
};

export const listen: Setting<HostPort> = {
  key: 'listen',
  env: 'WECHAT_SIDECAR_LISTEN',
  defaultNote: {
    en: 'proxy `localhost:3880`, hub `0.0.0.0:3882`, injector `0.0.0.0:3883`, simulator `localhost:3884`',
    zh: '边车 `localhost:3880`，中控 `0.0.0.0:3882`，注入器 `0.0.0.0:3883`，模拟器 `localhost:3884`',
  },
  form: form.hostPort,
  roles: SERVERS,
  live: false,
  meaning:
    'Where calls are taken. `localhost` means both 127.0.0.1 and ::1, `[::]` every address of both families.',
  meaningZh: '接收请求的地址。`localhost` 表示 127.0.0.1 和 ::1 两者，`[::]` 表示 IPv4 与 IPv6 的所有地址。',
};

export const adminListen: Setting<HostPort> = {
  key: 'adminListen',
  env: 'WECHAT_SIDECAR_ADMIN_LISTEN',
  default: '0.0.0.0:3881',
  form: form.hostPort,
  roles: [...SERVERS, 'shutdown'],
  live: false,
  meaning:
    'Where probes, metrics and status are served. Outside Kubernetes, if it is not set and another program holds ' +
    'the port, a free one is taken; the log names it, and `check`, `status` and `shutdown` find it. One that is set never moves.',
  meaningZh:
    '探针、指标和状态页的地址。不在 Kubernetes 中、且未设置此项时，若默认端口已被占用，会自动改用空闲端口：' +
    '日志会给出该端口，`check`、`status` 和 `shutdown` 也能找到它。显式设置的端口从不改变。',
};

export const transparentListen: Setting<HostPort> = {
  key: 'transparent.listen',
  env: 'WECHAT_SIDECAR_TRANSPARENT_LISTEN',
  form: form.hostPort,
  roles: ['proxy'],
  live: false,
  meaning:
    "Serves HTTPS too, for the platform's own host names: for programs that have them wired in, and whose hosts file leads them here, with `resolve: dns`. In a pod it is `localhost:443`.",
  meaningZh:
    '另以 HTTPS 服务微信平台自身的域名：供写死域名、由 hosts 文件指向本机的程序使用，并配合 `resolve: dns`。在 Pod 中为 `localhost:443`。',
};

export const transparentTrustFolder: Setting<string> = {
  key: 'transparent.trustFolder',
  env: 'WECHAT_SIDECAR_TRANSPARENT_TRUST_FOLDER',
  default: '/var/run/wechat-sidecar/trust',
  form: form.filePath,
  roles: ['proxy'],
  live: false,
  meaning:
    'The certificates that such programs should trust: `wechat.pem`, `hashed/`, `bundle.pem`, `trust.jks`, `php/`; written at the start.',
  meaningZh:
    '上述程序读取信任证书的目录：`wechat.pem`、`hashed/`、`bundle.pem`、`trust.jks`、`php/`，启动时写入。',
};

export const transparentKeyFolder: Setting<string> = {
  key: 'transparent.keyFolder',
  env: 'WECHAT_SIDECAR_TRANSPARENT_KEY_FOLDER',
  default: '/var/run/wechat-sidecar/key',
  form: form.filePath,
  roles: ['proxy'],
  live: false,
  meaning: 'Where certificate and key of that listener are kept, for a sidecar that is started again.',
  meaningZh: '该监听所用证书与私钥的保存目录，供边车重启后继续使用。',
};

export const upstreams: Setting<string> = {
  key: 'upstreams',
  env: 'WECHAT_SIDECAR_UPSTREAMS',
  default: 'https://api.weixin.qq.com,https://api2.weixin.qq.com',
  form: form.upstreamUrl,
  itemsMax: 16,
  roles: TOKEN_ROLES,
  live: false,
  meaning:
    'The origins of the platform, in order of preference. Each may have a path prefix (a forwarder of your own: `https://gate.example/wechat`), which is put before the path of every call; `denyPaths` and the like match the path without it.',
  meaningZh:
    '微信平台的地址，按优先顺序排列。每个都可以带路径前缀（自建转发，如 `https://gate.example/wechat`），会加在每个请求的路径之前；`denyPaths` 等按不含前缀的路径匹配。',
};

export const egressProxy: Setting<'none' | form.ProxyUrl> = {
  key: 'egressProxy',
  env: 'WECHAT_SIDECAR_EGRESS_PROXY',
  defaultNote: { en: '`HTTPS_PROXY` less `NO_PROXY`', zh: '`HTTPS_PROXY`，`NO_PROXY` 除外' },
  form: form.egressProxyUrl,
  // It may hold a password.
  secret: true,
  roles: TOKEN_ROLES,
  live: true,
  meaning:
    "The forward proxy that every call to the platform over https goes through (CONNECT), so that the platform's IP allow-list needs one address: `http://[user:password@]host:port`. The proxy looks the names up. Not for the hub, Redis or Kubernetes. `none`: no proxy, whatever `HTTPS_PROXY` says. See [Egress proxy](#egress-proxy).",
  meaningZh:
    '对微信平台的所有 https 请求都经由该正向代理（CONNECT）发出，这样 IP 白名单只需一个地址：`http://[user:password@]host:port`。域名由代理解析。不用于中控、Redis 和 Kubernetes。`none`：不用代理，无论 `HTTPS_PROXY` 如何设置。参见[出口代理](#出口代理)。',
};

export const egressProxyFile: Setting<string> = {
  key: 'egressProxyFile',
  env: 'WECHAT_SIDECAR_EGRESS_PROXY_FILE',
  form: form.filePath,
  file: 'secret',
  roles: TOKEN_ROLES,
  live: true,
  meaning:
    'In place of `egressProxy`: a file that holds the same, the place for a password. Read again when it changes.',
  meaningZh: '替代 `egressProxy`：内容相同的文件，适合存放含密码的地址。文件变化时自动重读。',
};

export const resolve: Setting<'system' | 'dns'> = {
  key: 'resolve',
  env: 'WECHAT_SIDECAR_RESOLVE',
  default: 'system',
  form: form.oneOf(['system', 'dns']),
  roles: TOKEN_ROLES,
  live: false,
  meaning:
    'How names are looked up: as the system does, or by `dns` alone, past a hosts file that points the API name here.',
  meaningZh: '域名解析方式：`system` 使用系统解析；`dns` 只用 DNS，绕过把 API 域名指向本机的 hosts 文件。',
};

export const connectTimeout: Setting<number> = {
  key: 'timeouts.connect',
  env: 'WECHAT_SIDECAR_CONNECT_TIMEOUT',
  default: '1200ms',
  form: form.duration('10ms', '5m'),
  roles: CALLING_ROLES,
  live: false,
  meaning:
    'The longest that connecting to one origin may take (TCP, the egress proxy and TLS); then the next one is tried.',
  meaningZh: '连接一个地址（TCP、出口代理与 TLS）的最长时间，超时则尝试下一个。',
};

export const answerTimeout: Setting<number> = {
  key: 'timeouts.answer',
  env: 'WECHAT_SIDECAR_ANSWER_TIMEOUT',
  default: '60s',
  form: form.duration('10ms', '1h'),
  roles: CALLING_ROLES,
  live: false,
  meaning: 'The longest wait for the head of an answer, counted from the end of the request.',
  meaningZh: '请求发完后等待响应头的最长时间。',
};

export const idleTimeout: Setting<number> = {
  key: 'timeouts.idle',
  env: 'WECHAT_SIDECAR_IDLE_TIMEOUT',
  default: '60s',
  form: form.duration('10ms', '1h'),
  roles: CALLING_ROLES,
  live: false,
  meaning: 'The longest pause between two bytes of a body.',
  meaningZh: '消息体两个字节之间的最长停顿。',
};

export const inFlightLimit: Setting<number> = {
  key: 'limits.inFlight',
  env: 'WECHAT_SIDECAR_MAX_IN_FLIGHT',
  default: '1000',
  form: form.integer(1, 100_000),
  roles: CALLING_ROLES,
  live: false,
  meaning: 'Calls served at the same time; one more is refused as `overloaded`.',
  meaningZh: '同时处理的请求数上限，超出的请求以 `overloaded` 拒绝。',
};

export const replayBodyLimit: Setting<number> = {
  key: 'replay.bodyLimit',
  env: 'WECHAT_SIDECAR_REPLAY_BODY_LIMIT',
  default: '20MiB',
  form: form.size('0B', '1GiB'),
  roles: PROXIES,
  live: true,
  meaning: 'The largest request body that is kept for a replay.',
  meaningZh: '为重放而保留的单个请求体上限。',
};

export const replayMemoryLimit: Setting<number> = {
  key: 'replay.memoryLimit',
  env: 'WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT',
  default: '64MiB',
  form: form.size('0B', '64GiB'),
  roles: PROXIES,
  live: true,
  meaning: 'All kept bodies together.',
  meaningZh: '所有保留请求体的总上限。',
};

export const errorStatus: Setting<'wechat' | 'http'> = {
  key: 'errorStatus',
  env: 'WECHAT_SIDECAR_ERROR_STATUS',
  default: 'wechat',
  form: form.oneOf(['wechat', 'http']),
  roles: PROXIES,
  live: true,
  meaning:
    "`wechat`: the sidecar's own errors are HTTP 200 with an errcode, as the platform's are; `http`: 403, 404, 502, 503, 504.",
  meaningZh: '`wechat`：自身错误与平台一致，HTTP 200 加 errcode；`http`：403、404、502、503、504。',
};

export const foreignTokens: Setting<'pass' | 'replace' | 'reject'> = {
  key: 'foreignTokens',
  env: 'WECHAT_SIDECAR_FOREIGN_TOKENS',
  default: 'pass',
  form: form.oneOf(['pass', 'replace', 'reject']),
  roles: PROXIES,
  live: true,
  meaning:
    'A token in a call that is not ours: `pass` it untouched (it may belong to another account), `replace` it (right for pods of one account, whose SDKs may hold old real tokens in a cache), or `reject` the call.',
  meaningZh:
    '请求中携带非本服务管理的 token 时：`pass` 原样放行（可能属于其他账号）；`replace` 替换（适合单账号 Pod,SDK 缓存里可能还有旧 token）；`reject` 拒绝。',
};

export const listenPeers: Setting<string> = {
  key: 'listenPeers',
  env: 'WECHAT_SIDECAR_LISTEN_PEERS',
  form: form.addressRange,
  itemsMax: 100,
  roles: ['proxy'],
  live: true,
  meaning:
    'Needed with a `listen` address that is not loopback: the addresses and ranges that may connect there, such as `172.18.0.0/16` of a Compose network. All others are closed at once, loopback too unless it is listed. New connections go by a change.',
  meaningZh:
    '`listen` 不是回环地址时必填：允许连接的地址和网段，如 Compose 网络的 `172.18.0.0/16`。其他来源一律立即断开，回环地址也要列出才能连接。修改后对新连接生效。',
};

export const allowedHosts: Setting<string> = {
  key: 'allowedHosts',
  env: 'WECHAT_SIDECAR_ALLOWED_HOSTS',
  form: form.hostName,
  itemsMax: 50,
  roles: PROXIES,
  live: true,
  meaning:
    'Further host names that the business port serves, such as `wechat-sidecar` or `host.docker.internal`, for a container beside the program. Browsers do not say where a call to such a host comes from, so there a request with `Cookie`, a foreign `Referer` or a `User-Agent` that begins with `Mozilla/` is refused.',
  meaningZh:
    '业务端口额外服务的主机名，如 `wechat-sidecar`、`host.docker.internal`，用于与业务程序并列的容器。浏览器访问这类主机时不会说明请求来源，因此带 `Cookie`、外站 `Referer`、或 `User-Agent` 以 `Mozilla/` 开头的请求会被拒绝。',
};

export const allowedOrigins: Setting<string> = {
  key: 'allowedOrigins',
  env: 'WECHAT_SIDECAR_ALLOWED_ORIGINS',
  form: form.pageOrigin,
  itemsMax: 50,
  roles: PROXIES,
  live: true,
  meaning:
    'Origins of web pages that may call the business port and read its answers, such as `http://localhost:5173` of a development server. All other pages are refused.',
  meaningZh:
    '允许调用业务端口并读取其响应的网页的源，如开发服务器的 `http://localhost:5173`。其他网页一律拒绝。',
};

export const signedUrlHosts: Setting<string> = {
  key: 'jssdk.allowedUrlHosts',
  env: 'WECHAT_SIDECAR_JSSDK_ALLOWED_URL_HOSTS',
  defaultNote: { en: 'all', zh: '全部' },
  form: form.hostName,
  itemsMax: 200,
  roles: PROXIES,
  live: true,
  meaning:
    'The only hosts whose pages are signed for the JS-SDK, such as `shop.example.com`. See [JS-SDK](#js-sdk).',
  meaningZh: '只为这些主机的页面做 JS-SDK 签名，如 `shop.example.com`。参见 [JS-SDK](#js-sdk)。',
};

export const denyPaths: Setting<string> = {
  key: 'denyPaths',
  env: 'WECHAT_SIDECAR_DENY_PATHS',
  form: form.pathPattern,
  itemsMax: 200,
  roles: PROXIES,
  live: true,
  meaning: 'Path patterns refused for business programs, such as `/cgi-bin/clear_quota*`.',
  meaningZh: '拒绝业务程序访问的路径模式，如 `/cgi-bin/clear_quota*`。',
};

export const drainDelay: Setting<number> = {
  key: 'drainDelay',
  env: 'WECHAT_SIDECAR_DRAIN_DELAY',
  default: '0s',
  form: form.duration('0s', '10m'),
  roles: SERVERS,
  live: false,
  meaning: 'How long a stopping process goes on taking calls, so that others may stop before it.',
  meaningZh: '收到停止请求后继续接收请求的时间，便于其他容器先停。',
};

export const drainTimeout: Setting<number> = {
  key: 'drainTimeout',
  env: 'WECHAT_SIDECAR_DRAIN_TIMEOUT',
  default: '25s',
  form: form.duration('0s', '1h'),
  roles: SERVERS,
  live: false,
  meaning: 'The longest that a stop waits for calls in flight.',
  meaningZh: '停止时等待进行中请求的最长时间。',
};

export const accessLog: Setting<'off' | 'errors' | 'all'> = {
  key: 'accessLog',
  env: 'WECHAT_SIDECAR_ACCESS_LOG',
  default: 'off',
  form: form.oneOf(['off', 'errors', 'all']),
  roles: PROXIES,
  live: true,
  meaning:
    "One JSON line for each call, `all` of them or those that ended in `errors`: a status of 400 or more, an errcode that is not 0, or the sidecar's own errors. Without the query, and whatever `logLevel` is; no line is left out.",
  meaningZh:
    '每个调用写一行 JSON：`all` 全部，`errors` 只写出错的，即状态码 400 及以上、errcode 不为 0，或边车自身的错误。不含查询串，与 `logLevel` 无关，也不会省略任何一行。',
};

export const logLevel: Setting<LogLevel> = {
  key: 'logLevel',
  env: 'WECHAT_SIDECAR_LOG_LEVEL',
  default: 'info',
  form: form.oneOf(LOG_LEVELS),
  roles: SERVERS,
  live: true,
  meaning: `The least level that is logged, as JSON lines on stdout: ${LOG_LEVELS.join(', ')}.`,
  meaningZh: `输出到 stdout 的 JSON 日志的最低级别：${LOG_LEVELS.join('、')}。`,
};

export const simulatorSeed: Setting<number> = {
  key: 'simulator.seed',
  env: 'WECHAT_SIMULATOR_SEED',
  default: '1',
  form: form.integer(0, 2 ** 32 - 1),
  roles: SIMULATORS,
  live: false,
  meaning: 'What the simulator draws its tokens from; the same seed gives the same ones.',
  meaningZh: '模拟器的随机种子，相同种子产生相同的 token。',
};

export const simulatorTls: Setting<boolean> = {
  key: 'simulator.tls',
  env: 'WECHAT_SIMULATOR_TLS',
  default: 'false',
  form: form.yesOrNo,
  roles: ['simulator'],
  live: false,
  meaning: 'The simulator speaks HTTPS, with a throw-away certificate of its own.',
  meaningZh: '模拟器使用 HTTPS，证书为自带的一次性证书。',
};

export const simulatorTokenLife: Setting<number> = {
  key: 'simulator.tokenLife',
  env: 'WECHAT_SIMULATOR_TOKEN_LIFE',
  default: '7200s',
  form: form.duration('1s', '24h'),
  roles: SIMULATORS,
  live: false,
  meaning: 'How long the tokens of the simulator live.',
  meaningZh: '模拟器发放的 token 的有效期。',
};
