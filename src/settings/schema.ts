import * as z from 'zod/mini';
import { LOG_LEVELS } from '../base/log.ts';
import { whileInUse } from '../base/while-in-use.ts';
import { apps, clients, defaultApp, hub, kubernetes, store } from './schema-accounts.ts';
import { injector } from './schema-injector.ts';
import {
  ADMIN_ROLES,
  CALLING_ROLES,
  PROXIES,
  PROXY,
  SERVERS,
  SIMULATORS,
  TLS_ROLES,
  TOKEN_ROLES,
} from './role.ts';
import {
  group,
  type MappingSection,
  orEmpty,
  sectionOf,
  type Setting,
  setting,
  settingsIn,
} from './setting.ts';
import * as type from './types.ts';

/** Every setting of the file, in the order in which they are shown. */
// oxlint-disable-next-line max-lines-per-function -- a table
const makeSchema = () =>
  z.strictObject({
    apps: apps(),
    defaultApp: defaultApp(),
    hub: hub(),
    upstreams: z.pipe(
      setting(
        type.list(type.upstreamUrl, 16),
        {
          env: 'WECHAT_SIDECAR_UPSTREAMS',
          default: 'https://api.weixin.qq.com,https://api2.weixin.qq.com',
          roles: TOKEN_ROLES,
        },
        'The origins of the platform, in order of preference. Each may have a path prefix (a forwarder of your own: `https://gate.example/wechat`), which is put before the path of every call; `denyPaths` and the like match the path without it.',
        '微信平台的地址，按优先顺序排列。每个都可以带路径前缀（自建转发，如 `https://gate.example/wechat`），会加在每个请求的路径之前；`denyPaths` 等按不含前缀的路径匹配。',
      ),
      z.transform((origins) => [...new Set(origins)]),
    ),
    // It may hold a password.
    egressProxy: setting(
      type.egressProxyUrl,
      {
        env: 'WECHAT_SIDECAR_EGRESS_PROXY',
        defaultNote: { en: '`HTTPS_PROXY` less `NO_PROXY`', zh: '`HTTPS_PROXY`，`NO_PROXY` 除外' },
        roles: TOKEN_ROLES,
        live: true,
        secret: true,
      },
      "The forward proxy that every call to the platform over https goes through (CONNECT), so that the platform's IP allow-list needs one address: `http://[user:password@]host:port`. The proxy looks the names up. Not for the hub, Redis or Kubernetes. `none`: no proxy, whatever `HTTPS_PROXY` says. See [Egress proxy](#egress-proxy).",
      '对微信平台的所有 https 请求都经由该正向代理（CONNECT）发出，这样 IP 白名单只需一个地址：`http://[user:password@]host:port`。域名由代理解析。不用于中控、Redis 和 Kubernetes。`none`：不用代理，无论 `HTTPS_PROXY` 如何设置。参见[出口代理](#出口代理)。',
    ),
    egressProxyFile: setting(
      type.filePath,
      { env: 'WECHAT_SIDECAR_EGRESS_PROXY_FILE', roles: TOKEN_ROLES, live: true, file: 'secret' },
      'In place of `egressProxy`: a file that holds the same, the place for a password. Read again when it changes.',
      '替代 `egressProxy`：内容相同的文件，适合存放含密码的地址。文件变化时自动重读。',
    ),
    resolve: setting(
      type.oneOf(['system', 'dns']),
      { env: 'WECHAT_SIDECAR_RESOLVE', default: 'system', roles: TOKEN_ROLES },
      'How names are looked up: as the system does, or by `dns` alone, past a hosts file that points the API name here.',
      '域名解析方式：`system` 使用系统解析；`dns` 只用 DNS，绕过把 API 域名指向本机的 hosts 文件。',
    ),
    listen: setting(
      type.hostPort,
      {
        env: 'WECHAT_SIDECAR_LISTEN',
        defaultNote: {
          en: 'proxy `localhost:3880`, hub `0.0.0.0:3882`, injector `0.0.0.0:3883`, simulator `localhost:3884`',
          zh: '边车 `localhost:3880`，中控 `0.0.0.0:3882`，注入器 `0.0.0.0:3883`，模拟器 `localhost:3884`',
        },
        roles: SERVERS,
      },
      'Where calls are taken. `localhost` means both 127.0.0.1 and ::1, `[::]` every address of both families.',
      '接收请求的地址。`localhost` 表示 127.0.0.1 和 ::1 两者，`[::]` 表示 IPv4 与 IPv6 的所有地址。',
    ),
    listenPeers: orEmpty(
      setting(
        type.list(type.addressRange, 100),
        { env: 'WECHAT_SIDECAR_LISTEN_PEERS', roles: PROXY, live: true },
        'Needed with a `listen` address that is not loopback: the addresses and ranges that may connect there, such as `172.18.0.0/16` of a Compose network. All others are closed at once, loopback too unless it is listed. New connections go by a change.',
        '`listen` 不是回环地址时必填：允许连接的地址和网段，如 Compose 网络的 `172.18.0.0/16`。其他来源一律立即断开，回环地址也要列出才能连接。修改后对新连接生效。',
      ),
    ),
    adminListen: setting(
      type.hostPort,
      { env: 'WECHAT_SIDECAR_ADMIN_LISTEN', default: '0.0.0.0:3881', roles: ADMIN_ROLES },
      'Where probes, metrics and status are served. Outside Kubernetes, if it is not set and another program holds ' +
        'the port, a free one is taken; the log names it, and `check`, `status` and `shutdown` find it. One that is set never moves.',
      '探针、指标和状态页的地址。不在 Kubernetes 中、且未设置此项时，若默认端口已被占用，会自动改用空闲端口：' +
        '日志会给出该端口，`check`、`status` 和 `shutdown` 也能找到它。显式设置的端口从不改变。',
    ),

    transparent: group(
      {
        listen: setting(
          type.hostPort,
          { env: 'WECHAT_SIDECAR_TRANSPARENT_LISTEN', roles: PROXY },
          "Serves HTTPS too, for the platform's own host names: for programs that have them wired in, and whose hosts file leads them here, with `resolve: dns`. In a pod it is `localhost:443`.",
          '另以 HTTPS 服务微信平台自身的域名：供写死域名、由 hosts 文件指向本机的程序使用，并配合 `resolve: dns`。在 Pod 中为 `localhost:443`。',
        ),
        trustFolder: setting(
          type.filePath,
          {
            env: 'WECHAT_SIDECAR_TRANSPARENT_TRUST_FOLDER',
            default: '/var/run/wechat-sidecar/trust',
            roles: PROXY,
          },
          'The certificates that such programs should trust: `wechat.pem`, `hashed/`, `bundle.pem`, `trust.jks`, `php/`; written at the start.',
          '上述程序读取信任证书的目录：`wechat.pem`、`hashed/`、`bundle.pem`、`trust.jks`、`php/`，启动时写入。',
        ),
        keyFolder: setting(
          type.filePath,
          {
            env: 'WECHAT_SIDECAR_TRANSPARENT_KEY_FOLDER',
            default: '/var/run/wechat-sidecar/key',
            roles: PROXY,
          },
          'Where certificate and key of that listener are kept, for a sidecar that is started again.',
          '该监听所用证书与私钥的保存目录，供边车重启后继续使用。',
        ),
      },
      ({ listen, ...folders }) => listen && { listen, ...folders },
    ),

    timeouts: group(
      {
        connect: setting(
          type.duration('10ms', '5m'),
          { env: 'WECHAT_SIDECAR_CONNECT_TIMEOUT', default: '1200ms', roles: CALLING_ROLES },
          'The longest that connecting to one origin may take (TCP, the egress proxy and TLS); then the next one is tried.',
          '连接一个地址（TCP、出口代理与 TLS）的最长时间，超时则尝试下一个。',
        ),
        answer: setting(
          type.duration('10ms', '1h'),
          { env: 'WECHAT_SIDECAR_ANSWER_TIMEOUT', default: '60s', roles: CALLING_ROLES },
          'The longest wait for the head of an answer, counted from the end of the request.',
          '请求发完后等待响应头的最长时间。',
        ),
        idle: setting(
          type.duration('10ms', '1h'),
          { env: 'WECHAT_SIDECAR_IDLE_TIMEOUT', default: '60s', roles: CALLING_ROLES },
          'The longest pause between two bytes of a body.',
          '消息体两个字节之间的最长停顿。',
        ),
      },
      ({ connect, answer, idle }) => ({ connectMs: connect, answerMs: answer, idleMs: idle }),
    ),

    limits: group(
      {
        inFlight: setting(
          type.integer(1, 100_000),
          { env: 'WECHAT_SIDECAR_MAX_IN_FLIGHT', default: '1000', roles: CALLING_ROLES },
          'Calls served at the same time; one more is refused as `overloaded`.',
          '同时处理的请求数上限，超出的请求以 `overloaded` 拒绝。',
        ),
      },
      ({ inFlight }) => ({ inFlightMax: inFlight }),
    ),

    replay: group(
      {
        bodyLimit: setting(
          type.size('0B', '1GiB'),
          { env: 'WECHAT_SIDECAR_REPLAY_BODY_LIMIT', default: '20MiB', roles: PROXIES, live: true },
          'The largest request body that is kept for a replay.',
          '为重放而保留的单个请求体上限。',
        ),
        memoryLimit: setting(
          type.size('0B', '64GiB'),
          {
            env: 'WECHAT_SIDECAR_REPLAY_MEMORY_LIMIT',
            defaultNote: {
              en: "`64MiB`, or a quarter of the container's memory limit if that is less",
              zh: '`64MiB`，或容器内存上限的四分之一，取较小者',
            },
            roles: PROXIES,
            live: true,
          },
          'All kept bodies together.',
          '所有保留请求体的总上限。',
        ),
      },
      ({ bodyLimit, memoryLimit }) => ({ bodyBytesMax: bodyLimit, memoryBytesMax: memoryLimit }),
    ),

    errorStatus: setting(
      type.oneOf(['wechat', 'http']),
      { env: 'WECHAT_SIDECAR_ERROR_STATUS', default: 'wechat', roles: PROXIES, live: true },
      "`wechat`: the sidecar's own errors are HTTP 200 with an errcode, as the platform's are; `http`: 403, 404, 502, 503, 504.",
      '`wechat`：自身错误与平台一致，HTTP 200 加 errcode；`http`：403、404、502、503、504。',
    ),
    foreignTokens: setting(
      type.oneOf(['pass', 'replace', 'reject']),
      { env: 'WECHAT_SIDECAR_FOREIGN_TOKENS', default: 'pass', roles: PROXIES, live: true },
      'A token in a call that is not ours: `pass` it untouched (it may belong to another account), `replace` it (right for pods of one account, whose SDKs may hold old real tokens in a cache), or `reject` the call.',
      '请求中携带非本服务管理的 token 时：`pass` 原样放行（可能属于其他账号）；`replace` 替换（适合单账号 Pod,SDK 缓存里可能还有旧 token）；`reject` 拒绝。',
    ),
    allowedHosts: orEmpty(
      setting(
        type.list(type.hostName, 50),
        { env: 'WECHAT_SIDECAR_ALLOWED_HOSTS', roles: PROXIES, live: true },
        'Further host names that the business port serves, such as `wechat-sidecar` or `host.docker.internal`, for a container beside the program. Browsers do not say where a call to such a host comes from, so there a request with `Cookie`, a foreign `Referer` or a `User-Agent` that begins with `Mozilla/` is refused.',
        '业务端口额外服务的主机名，如 `wechat-sidecar`、`host.docker.internal`，用于与业务程序并列的容器。浏览器访问这类主机时不会说明请求来源，因此带 `Cookie`、外站 `Referer`、或 `User-Agent` 以 `Mozilla/` 开头的请求会被拒绝。',
      ),
    ),
    allowedOrigins: orEmpty(
      setting(
        type.list(type.pageOrigin, 50),
        { env: 'WECHAT_SIDECAR_ALLOWED_ORIGINS', roles: PROXIES, live: true },
        'Origins of web pages that may call the business port and read its answers, such as `http://localhost:5173` of a development server. All other pages are refused.',
        '允许调用业务端口并读取其响应的网页的源，如开发服务器的 `http://localhost:5173`。其他网页一律拒绝。',
      ),
    ),

    jssdk: group({
      allowedUrlHosts: setting(
        type.list(type.hostName, 200),
        {
          env: 'WECHAT_SIDECAR_JSSDK_ALLOWED_URL_HOSTS',
          defaultNote: { en: 'all', zh: '全部' },
          roles: PROXIES,
          live: true,
        },
        'The only hosts whose pages are signed for the JS-SDK, such as `shop.example.com`. See [JS-SDK](#js-sdk).',
        '只为这些主机的页面做 JS-SDK 签名，如 `shop.example.com`。参见 [JS-SDK](#js-sdk)。',
      ),
    }),

    denyPaths: orEmpty(
      setting(
        type.list(type.pathPattern, 200),
        { env: 'WECHAT_SIDECAR_DENY_PATHS', roles: PROXIES, live: true },
        'Path patterns refused for business programs, such as `/cgi-bin/clear_quota*`.',
        '拒绝业务程序访问的路径模式，如 `/cgi-bin/clear_quota*`。',
      ),
    ),

    store: store(),
    clients: clients(),
    kubernetes: kubernetes(),
    tls: group({
      certFile: setting(
        type.filePath,
        { env: 'WECHAT_SIDECAR_TLS_CERT_FILE', roles: TLS_ROLES, file: 'public' },
        'The certificate chain that the hub or the injector shows (PEM). Read again when the file changes.',
        '中控或注入器使用的证书链（PEM），文件变化时自动重读。',
      ),
      keyFile: setting(
        type.filePath,
        { env: 'WECHAT_SIDECAR_TLS_KEY_FILE', roles: TLS_ROLES, file: 'secret' },
        'The private key of that certificate (PEM). Read again likewise.',
        '该证书的私钥（PEM），同样自动重读。',
      ),
      caFile: setting(
        type.filePath,
        { env: 'WECHAT_SIDECAR_TLS_CA_FILE', roles: TOKEN_ROLES, live: true, file: 'public' },
        'Further authorities (PEM) that upstreams and hub may be certified by, beside the public ones and those of `NODE_EXTRA_CA_CERTS`. Read again when the file changes.',
        '访问平台和中控时额外信任的 CA 证书（PEM），与公共 CA 及 `NODE_EXTRA_CA_CERTS` 同时生效；文件变化时自动重读。',
      ),
    }),

    injector: injector(),
    drainDelay: setting(
      type.duration('0s', '10m'),
      { env: 'WECHAT_SIDECAR_DRAIN_DELAY', default: '0s', roles: SERVERS },
      'How long a stopping process goes on taking calls, so that others may stop before it.',
      '收到停止请求后继续接收请求的时间，便于其他容器先停。',
    ),
    drainTimeout: setting(
      type.duration('0s', '1h'),
      { env: 'WECHAT_SIDECAR_DRAIN_TIMEOUT', default: '25s', roles: SERVERS },
      'The longest that a stop waits for calls in flight.',
      '停止时等待进行中请求的最长时间。',
    ),
    logLevel: setting(
      type.oneOf(LOG_LEVELS),
      { env: 'WECHAT_SIDECAR_LOG_LEVEL', default: 'info', roles: SERVERS, live: true },
      `The least level that is logged, as JSON lines on stdout: ${LOG_LEVELS.join(', ')}.`,
      `输出到 stdout 的 JSON 日志的最低级别：${LOG_LEVELS.join('、')}。`,
    ),
    accessLog: setting(
      type.oneOf(['off', 'errors', 'all']),
      { env: 'WECHAT_SIDECAR_ACCESS_LOG', default: 'off', roles: PROXIES, live: true },
      "One JSON line for each call, `all` of them or those that ended in `errors`: a status of 400 or more, an errcode that is not 0, or the sidecar's own errors. Without the query, and whatever `logLevel` is; no line is left out.",
      '每个调用写一行 JSON：`all` 全部，`errors` 只写出错的，即状态码 400 及以上、errcode 不为 0，或边车自身的错误。不含查询串，与 `logLevel` 无关，也不会省略任何一行。',
    ),

    simulator: group(
      {
        seed: setting(
          type.integer(0, 2 ** 32 - 1),
          { env: 'WECHAT_SIMULATOR_SEED', default: '1', roles: SIMULATORS },
          'What the simulator draws its tokens from; the same seed gives the same ones.',
          '模拟器的随机种子，相同种子产生相同的 token。',
        ),
        tls: setting(
          type.yesOrNo,
          { env: 'WECHAT_SIMULATOR_TLS', default: 'false', roles: ['simulator'] },
          'The simulator speaks HTTPS, with a throw-away certificate of its own.',
          '模拟器使用 HTTPS，证书为自带的一次性证书。',
        ),
        tokenLife: setting(
          type.duration('1s', '24h'),
          { env: 'WECHAT_SIMULATOR_TOKEN_LIFE', default: '7200s', roles: SIMULATORS },
          'How long the tokens of the simulator live.',
          '模拟器发放的 token 的有效期。',
        ),
      },
      ({ tokenLife, ...rest }) => ({ ...rest, tokenLifeMs: tokenLife }),
    ),
  });

/** Read before everything else, so it cannot be set in the file that it names. */
const configFile = (): Setting => ({
  key: '',
  env: 'WECHAT_SIDECAR_CONFIG',
  roles: ADMIN_ROLES,
  accepted: type.acceptedBy(type.filePath),
  itemsMax: undefined,
  en: 'The settings file (YAML), as `--config FILE` is.',
  zh: '配置文件（YAML），等同于 `--config FILE`。',
});

export interface SettingsSchema {
  /** Parses a tree of texts. */
  readonly schema: ReturnType<typeof makeSchema>;
  readonly root: MappingSection;
  readonly settings: readonly Setting[];
}

/** Half a megabyte, which is needed at the start, for help, and when a file has changed. */
export const settingsSchema: () => SettingsSchema = whileInUse(() => {
  const schema = makeSchema();
  const root = sectionOf(schema) as MappingSection;
  return { schema, root, settings: [...settingsIn(root), configFile()] };
});

type KeysIn<T, Path extends string> = T extends readonly (infer Item)[]
  ? Item extends object
    ? KeysIn<Item, `${Path}[${number}]`>
    : Path
  : T extends object
    ? { [K in keyof T & string]: KeysIn<NonNullable<T[K]>, Path extends '' ? K : `${Path}.${K}`> }[keyof T &
        string]
    : Path;

/** The key of a setting, with the index of the item if it is in a list: `replay.bodyLimit`, `apps[0].appid`. */
export type Key = KeysIn<z.input<SettingsSchema['schema']>, ''>;
/** The output types of the schema. */
export type Values = z.output<SettingsSchema['schema']>;
