import { LOG_LEVELS } from '../base/log.ts';
import { ANNOTATIONS, INJECTION_MODES } from '../kubernetes/annotations.ts';
import { INJECTOR } from './role.ts';
import { group, orEmpty, setting } from './setting.ts';
import * as type from './types.ts';

/** What is injected into pods, and where the injector keeps its certificate. */
// oxlint-disable-next-line max-lines-per-function -- a table
export const injector = () =>
  group({
    image: setting(
      type.imageReference,
      { env: 'WECHAT_INJECTOR_IMAGE', roles: INJECTOR, live: true },
      'The image of the sidecar that pods get.',
      '注入到 Pod 的边车镜像。',
    ),
    imagePullPolicy: setting(
      type.oneOf(['Always', 'IfNotPresent', 'Never']),
      {
        env: 'WECHAT_INJECTOR_IMAGE_PULL_POLICY',
        defaultNote: { en: "the cluster's own rule", zh: '集群的默认规则' },
        roles: INJECTOR,
        live: true,
      },
      'When nodes fetch that image.',
      '节点何时拉取该镜像。',
    ),
    imagePullSecrets: orEmpty(
      setting(
        type.list(type.kubernetesName, 16),
        { env: 'WECHAT_INJECTOR_IMAGE_PULL_SECRETS', roles: INJECTOR, live: true },
        "Names of Secrets with the registry's credentials, which pods get beside their own. Each namespace needs Secrets of these names.",
        '镜像仓库凭据 Secret 的名称，会追加到 Pod 的 imagePullSecrets；各命名空间需自行创建同名 Secret。',
      ),
    ),
    mode: setting(
      type.oneOf(INJECTION_MODES),
      { env: 'WECHAT_INJECTOR_MODE', default: 'auto', roles: INJECTOR, live: true },
      '`native`: an init container that keeps running (Kubernetes 1.29 and later); `container`: one more container; `auto`: what the API server can do.',
      '`native`：持续运行的 init 容器（Kubernetes 1.29 及以上）；`container`：普通容器；`auto`：由 API server 的版本决定。',
    ),
    hubUrl: setting(
      type.list(type.origin, 16),
      {
        env: 'WECHAT_INJECTOR_HUB_URL',
        default: 'http://wechat-sidecar-hub.wechat-sidecar.svc:3882',
        roles: INJECTOR,
        live: true,
      },
      'The hub that sidecars take their tokens from.',
      '边车获取 token 的中控服务器地址。',
    ),
    hubCaFile: setting(
      type.filePath,
      { env: 'WECHAT_INJECTOR_HUB_CA_FILE', roles: INJECTOR, live: true, file: 'public' },
      "The private authority of the hub's certificate (PEM). Pods get it in an annotation as they are created, so it should be one that lives longer than pods do.",
      '中控证书的私有签发机构（PEM），通过注解传入 Pod，其有效期应长于 Pod 的寿命。',
    ),
    caConfigMap: setting(
      type.configMapKey,
      { env: 'WECHAT_INJECTOR_CA_CONFIG_MAP', roles: INJECTOR, live: true },
      "In place of `injector.hubCaFile`: a ConfigMap of each pod's own namespace whose key holds further authorities (PEM) for hub and upstreams, as `name/key`; the key is `ca.crt` if none is named. Sidecars read it again when it changes.",
      '替代 `injector.hubCaFile`：Pod 所在命名空间内的 ConfigMap，写作 `name/key`，其内容为访问中控和平台时额外信任的 CA（PEM）；未写键名时取 `ca.crt`。内容变化后边车会自动重读。',
    ),
    upstreams: setting(
      type.list(type.upstreamUrl, 16),
      {
        env: 'WECHAT_INJECTOR_UPSTREAMS',
        defaultNote: { en: "the sidecar's own", zh: '边车自身的默认值' },
        roles: INJECTOR,
        live: true,
      },
      'The platform that sidecars call, in order of preference; for a simulator or a forwarder of your own, perhaps with a path prefix.',
      '边车调用的平台地址，按优先顺序排列；用于模拟器或自建的转发（可带路径前缀）。',
    ),
    // Users who misread the accepted values put a password here.
    egressProxy: setting(
      type.plainProxyUrl,
      { env: 'WECHAT_INJECTOR_EGRESS_PROXY', roles: INJECTOR, live: true, secret: true },
      'The forward proxy of sidecars, `http://host:port` without user and password, or `none`; a pod may name another one by `wechat-sidecar.io/egress-proxy`.',
      '边车使用的正向代理，`http://host:port`（不含用户名和密码）或 `none`；Pod 可用注解 `wechat-sidecar.io/egress-proxy` 另行指定。',
    ),
    egressProxySecret: setting(
      type.secretKey,
      { env: 'WECHAT_INJECTOR_EGRESS_PROXY_SECRET', roles: INJECTOR, live: true },
      "In place of `injector.egressProxy`, for a proxy with a password: a Secret of each pod's own namespace whose key holds the URL, as `name/key`; the key is `url` if none is named. Sidecars read it again when it changes.",
      '替代 `injector.egressProxy`，用于带密码的代理：Pod 所在命名空间内的 Secret，写作 `name/key`，其内容为代理 URL；未写键名时取 `url`。内容变化后边车会自动重读。',
    ),
    port: setting(
      type.integer(1_024, 65_535),
      { env: 'WECHAT_INJECTOR_PORT', default: '3880', roles: INJECTOR, live: true },
      'The loopback port that sidecars serve on.',
      '边车在回环地址上的端口。',
    ),
    adminPort: setting(
      type.integer(1_024, 65_000),
      { env: 'WECHAT_INJECTOR_ADMIN_PORT', default: '3881', roles: INJECTOR, live: true },
      'Their admin port; where a container of the pod declares it, the next free one is taken.',
      '边车的管理端口；若 Pod 中已有容器声明该端口，则顺延到下一个空闲端口。',
    ),
    cpuRequest: setting(
      type.cpuQuantity,
      { env: 'WECHAT_INJECTOR_CPU_REQUEST', default: '10m', roles: INJECTOR, live: true },
      'Processors that the scheduler sets aside for a sidecar.',
      '调度器为每个边车 预留的 CPU。',
    ),
    cpuLimit: setting(
      type.cpuQuantity,
      { env: 'WECHAT_INJECTOR_CPU_LIMIT', roles: INJECTOR, live: true },
      'The most processors that it gets. A low one makes calls slow.',
      '每个 边车的 CPU 上限，过低会拖慢请求。',
    ),
    memoryRequest: setting(
      type.memoryQuantity,
      { env: 'WECHAT_INJECTOR_MEMORY_REQUEST', default: '64Mi', roles: INJECTOR, live: true },
      'Memory that the scheduler sets aside for a sidecar.',
      '调度器为每个边车 预留的内存。',
    ),
    memoryLimit: setting(
      type.memoryQuantity,
      { env: 'WECHAT_INJECTOR_MEMORY_LIMIT', default: '128Mi', roles: INJECTOR, live: true },
      'The most memory that it gets before it is killed.',
      '每个 边车的内存上限，超出即被终止。',
    ),
    logLevel: setting(
      type.oneOf(LOG_LEVELS),
      { env: 'WECHAT_INJECTOR_LOG_LEVEL', default: 'info', roles: INJECTOR, live: true },
      'The log level of sidecars.',
      '边车的日志级别。',
    ),
    runAsUser: setting(
      type.userId,
      { env: 'WECHAT_INJECTOR_RUN_AS_USER', default: '65532', roles: INJECTOR, live: true },
      'The user that sidecars run as; `image` leaves it to the image and the platform (OpenShift chooses one itself).',
      '边车的运行用户；`image` 表示由镜像和平台决定（OpenShift 会自行分配）。',
    ),
    lockedAnnotations: orEmpty(
      setting(
        type.list(type.annotation, ANNOTATIONS.length),
        { env: 'WECHAT_INJECTOR_LOCKED_ANNOTATIONS', roles: INJECTOR, live: true },
        'Annotations that pods may not set, such as `image` and `hub-url`; a pod that sets one is refused.',
        '禁止 Pod 设置的注解，例如 `image`、`hub-url`；设置了其中任何一个的 Pod 会被拒绝。',
      ),
    ),
    namespace: setting(
      type.kubernetesName,
      { env: 'WECHAT_INJECTOR_NAMESPACE', default: 'wechat-sidecar', roles: INJECTOR },
      'The namespace of the injector; no pod in it is ever injected.',
      '注入器所在的命名空间，其中的 Pod 永不注入。',
    ),
    service: setting(
      type.kubernetesName,
      { env: 'WECHAT_INJECTOR_SERVICE', default: 'wechat-sidecar-injector', roles: INJECTOR },
      'The Service that API servers reach the injector by; its certificate is for that name.',
      'API server 访问注入器所用的 Service，证书即签发给该名称。',
    ),
    secret: setting(
      type.kubernetesName,
      { env: 'WECHAT_INJECTOR_SECRET', default: 'wechat-sidecar-injector-certificate', roles: INJECTOR },
      'The Secret in which all injectors share a certificate, unless `tls.certFile` and `tls.keyFile` are set.',
      '各注入器副本共享证书的 Secret；设置了 `tls.certFile` 与 `tls.keyFile` 时不使用。',
    ),
    webhookConfiguration: setting(
      type.kubernetesName,
      { env: 'WECHAT_INJECTOR_WEBHOOK_CONFIGURATION', default: 'wechat-sidecar-injector', roles: INJECTOR },
      'The MutatingWebhookConfiguration in which the authority of that certificate is published.',
      '发布该证书签发机构的 MutatingWebhookConfiguration。',
    ),
  });
