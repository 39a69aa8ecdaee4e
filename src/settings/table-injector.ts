import { LOG_LEVELS, type LogLevel } from '../base/log.ts';
import { ANNOTATIONS, INJECTION_MODES, type InjectionMode } from '../kubernetes/annotations.ts';
import { PREFIX } from '../kubernetes/names.ts';
import type { Setting } from './setting.ts';
import * as form from './forms.ts';
import type { Role } from './settings.ts';

const INJECTOR: readonly Role[] = ['injector'];
export const image: Setting<string> = {
  key: 'injector.image',
  env: 'WECHAT_INJECTOR_IMAGE',
  form: form.imageReference,
  roles: INJECTOR,
  live: true,
  meaning: 'The image of the sidecar that pods get.',
  meaningZh: '注入到 Pod 的边车镜像。',
};

export const imagePullPolicy: Setting<'Always' | 'IfNotPresent' | 'Never'> = {
  key: 'injector.imagePullPolicy',
  env: 'WECHAT_INJECTOR_IMAGE_PULL_POLICY',
  defaultNote: { en: "the cluster's own rule", zh: '集群的默认规则' },
  form: form.oneOf(['Always', 'IfNotPresent', 'Never']),
  roles: INJECTOR,
  live: true,
  meaning: 'When nodes fetch that image.',
  meaningZh: '节点何时拉取该镜像。',
};

export const imagePullSecrets: Setting<string> = {
  key: 'injector.imagePullSecrets',
  env: 'WECHAT_INJECTOR_IMAGE_PULL_SECRETS',
  form: form.kubernetesName,
  itemsMax: 16,
  roles: INJECTOR,
  live: true,
  meaning:
    "Names of Secrets with the registry's credentials, which pods get beside their own. Each namespace needs Secrets of these names.",
  meaningZh:
    '镜像仓库凭据 Secret 的名称，会追加到 Pod 的 imagePullSecrets；各命名空间需自行创建同名 Secret。',
};

export const mode: Setting<InjectionMode> = {
  key: 'injector.mode',
  env: 'WECHAT_INJECTOR_MODE',
  default: 'auto',
  form: form.oneOf(INJECTION_MODES),
  roles: INJECTOR,
  live: true,
  meaning:
    '`native`: an init container that keeps running (Kubernetes 1.29 and later); `container`: one more container; `auto`: what the API server can do.',
  meaningZh:
    '`native`：持续运行的 init 容器（Kubernetes 1.29 及以上）；`container`：普通容器；`auto`：由 API server 的版本决定。',
};

export const sidecarHubUrl: Setting<string> = {
  key: 'injector.hubUrl',
  env: 'WECHAT_INJECTOR_HUB_URL',
  default: 'http://wechat-sidecar-hub.wechat-sidecar.svc:3882',
  form: form.origin,
  itemsMax: 16,
  roles: INJECTOR,
  live: true,
  meaning: 'The hub that sidecars take their tokens from.',
  meaningZh: '边车获取 token 的中控服务器地址。',
};

export const sidecarHubCaFile: Setting<string> = {
  key: 'injector.hubCaFile',
  env: 'WECHAT_INJECTOR_HUB_CA_FILE',
  form: form.filePath,
  file: 'public',
  roles: INJECTOR,
  live: true,
  meaning:
    "The private authority of the hub's certificate (PEM). Pods get it in an annotation as they are created, so it should be one that lives longer than pods do.",
  meaningZh: '中控证书的私有签发机构（PEM），通过注解传入 Pod，其有效期应长于 Pod 的寿命。',
};

export const sidecarCaConfigMap: Setting<{ readonly name: string; readonly key: string }> = {
  key: 'injector.caConfigMap',
  env: 'WECHAT_INJECTOR_CA_CONFIG_MAP',
  form: form.configMapKey,
  roles: INJECTOR,
  live: true,
  meaning:
    "In place of `injector.hubCaFile`: a ConfigMap of each pod's own namespace whose key holds further authorities (PEM) for hub and upstreams, as `name/key`; the key is `ca.crt` if none is named. Sidecars read it again when it changes.",
  meaningZh:
    '替代 `injector.hubCaFile`：Pod 所在命名空间内的 ConfigMap，写作 `name/key`，其内容为访问中控和平台时额外信任的 CA（PEM）；未写键名时取 `ca.crt`。内容变化后边车会自动重读。',
};

export const sidecarUpstreams: Setting<string> = {
  key: 'injector.upstreams',
  env: 'WECHAT_INJECTOR_UPSTREAMS',
  defaultNote: { en: "the sidecar's own", zh: '边车自身的默认值' },
  form: form.upstreamUrl,
  itemsMax: 16,
  roles: INJECTOR,
  live: true,
  meaning:
    'The platform that sidecars call, in order of preference; for a simulator or a forwarder of your own, perhaps with a path prefix.',
  meaningZh: '边车调用的平台地址，按优先顺序排列；用于模拟器或自建的转发（可带路径前缀）。',
};

export const sidecarEgressProxy: Setting<string> = {
  key: 'injector.egressProxy',
  env: 'WECHAT_INJECTOR_EGRESS_PROXY',
  form: form.plainProxyUrl,
  // Whoever misreads what is accepted puts a password here.
  secret: true,
  roles: INJECTOR,
  live: true,
  meaning:
    'The forward proxy of sidecars, `http://host:port` without user and password, or `none`; a pod may name another one by `wechat-sidecar.io/egress-proxy`.',
  meaningZh:
    '边车使用的正向代理，`http://host:port`（不含用户名和密码）或 `none`；Pod 可用注解 `wechat-sidecar.io/egress-proxy` 另行指定。',
};

export const sidecarEgressProxySecret: Setting<{ readonly name: string; readonly key: string }> = {
  key: 'injector.egressProxySecret',
  env: 'WECHAT_INJECTOR_EGRESS_PROXY_SECRET',
  form: form.secretKey,
  roles: INJECTOR,
  live: true,
  meaning:
    "In place of `injector.egressProxy`, for a proxy with a password: a Secret of each pod's own namespace whose key holds the URL, as `name/key`; the key is `url` if none is named. Sidecars read it again when it changes.",
  meaningZh:
    '替代 `injector.egressProxy`，用于带密码的代理：Pod 所在命名空间内的 Secret，写作 `name/key`，其内容为代理 URL；未写键名时取 `url`。内容变化后边车会自动重读。',
};

export const sidecarPort: Setting<number> = {
  key: 'injector.port',
  env: 'WECHAT_INJECTOR_PORT',
  default: '3880',
  form: form.integer(1_024, 65_535),
  roles: INJECTOR,
  live: true,
  meaning: 'The loopback port that sidecars serve on.',
  meaningZh: '边车在回环地址上的端口。',
};

export const sidecarAdminPort: Setting<number> = {
  key: 'injector.adminPort',
  env: 'WECHAT_INJECTOR_ADMIN_PORT',
  default: '3881',
  form: form.integer(1_024, 65_000),
  roles: INJECTOR,
  live: true,
  meaning: 'Their admin port; where a container of the pod declares it, the next free one is taken.',
  meaningZh: '边车的管理端口；若 Pod 中已有容器声明该端口，则顺延到下一个空闲端口。',
};

export const cpuRequest: Setting<string> = {
  key: 'injector.cpuRequest',
  env: 'WECHAT_INJECTOR_CPU_REQUEST',
  default: '10m',
  form: form.cpuQuantity,
  roles: INJECTOR,
  live: true,
  meaning: 'Processors that the scheduler sets aside for a sidecar.',
  meaningZh: '调度器为每个边车 预留的 CPU。',
};

export const cpuLimit: Setting<string> = {
  key: 'injector.cpuLimit',
  env: 'WECHAT_INJECTOR_CPU_LIMIT',
  form: form.cpuQuantity,
  roles: INJECTOR,
  live: true,
  meaning: 'The most processors that it gets. A low one makes calls slow.',
  meaningZh: '每个 边车的 CPU 上限，过低会拖慢请求。',
};

export const memoryRequest: Setting<string> = {
  key: 'injector.memoryRequest',
  env: 'WECHAT_INJECTOR_MEMORY_REQUEST',
  default: '64Mi',
  form: form.memoryQuantity,
  roles: INJECTOR,
  live: true,
  meaning: 'Memory that the scheduler sets aside for a sidecar.',
  meaningZh: '调度器为每个边车 预留的内存。',
};

export const memoryLimit: Setting<string> = {
  key: 'injector.memoryLimit',
  env: 'WECHAT_INJECTOR_MEMORY_LIMIT',
  default: '256Mi',
  form: form.memoryQuantity,
  roles: INJECTOR,
  live: true,
  meaning: 'The most memory that it gets before it is killed.',
  meaningZh: '每个 边车的内存上限，超出即被终止。',
};

export const sidecarLogLevel: Setting<LogLevel> = {
  key: 'injector.logLevel',
  env: 'WECHAT_INJECTOR_LOG_LEVEL',
  default: 'info',
  form: form.oneOf(LOG_LEVELS),
  roles: INJECTOR,
  live: true,
  meaning: 'The log level of sidecars.',
  meaningZh: '边车的日志级别。',
};

export const runAsUser: Setting<number | 'image'> = {
  key: 'injector.runAsUser',
  env: 'WECHAT_INJECTOR_RUN_AS_USER',
  default: '65532',
  form: form.userId,
  roles: INJECTOR,
  live: true,
  meaning:
    'The user that sidecars run as; `image` leaves it to the image and the platform (OpenShift chooses one itself).',
  meaningZh: '边车的运行用户；`image` 表示由镜像和平台决定（OpenShift 会自行分配）。',
};

export const lockedAnnotations: Setting<string> = {
  key: 'injector.lockedAnnotations',
  env: 'WECHAT_INJECTOR_LOCKED_ANNOTATIONS',
  form: {
    accepted: `one of ${ANNOTATIONS.map(({ name }) => name).join(', ')}`,
    read: (text) => ANNOTATIONS.find(({ name }) => text === name || text === `${PREFIX}${name}`)?.name,
  },
  itemsMax: ANNOTATIONS.length,
  roles: INJECTOR,
  live: true,
  meaning:
    'Annotations that pods may not set, such as `image` and `hub-url`; a pod that sets one is refused.',
  meaningZh: '禁止 Pod 设置的注解，例如 `image`、`hub-url`；设置了其中任何一个的 Pod 会被拒绝。',
};

export const namespace: Setting<string> = {
  key: 'injector.namespace',
  env: 'WECHAT_INJECTOR_NAMESPACE',
  default: 'wechat-sidecar',
  form: form.kubernetesName,
  roles: INJECTOR,
  live: false,
  meaning: 'The namespace of the injector; no pod in it is ever injected.',
  meaningZh: '注入器所在的命名空间，其中的 Pod 永不注入。',
};

export const service: Setting<string> = {
  key: 'injector.service',
  env: 'WECHAT_INJECTOR_SERVICE',
  default: 'wechat-sidecar-injector',
  form: form.kubernetesName,
  roles: INJECTOR,
  live: false,
  meaning: 'The Service that API servers reach the injector by; its certificate is for that name.',
  meaningZh: 'API server 访问注入器所用的 Service，证书即签发给该名称。',
};

export const certificateSecret: Setting<string> = {
  key: 'injector.secret',
  env: 'WECHAT_INJECTOR_SECRET',
  default: 'wechat-sidecar-injector-certificate',
  form: form.kubernetesName,
  roles: INJECTOR,
  live: false,
  meaning:
    'The Secret in which all injectors share a certificate, unless `tls.certFile` and `tls.keyFile` are set.',
  meaningZh: '各注入器副本共享证书的 Secret；设置了 `tls.certFile` 与 `tls.keyFile` 时不使用。',
};

export const webhookConfiguration: Setting<string> = {
  key: 'injector.webhookConfiguration',
  env: 'WECHAT_INJECTOR_WEBHOOK_CONFIGURATION',
  default: 'wechat-sidecar-injector',
  form: form.kubernetesName,
  roles: INJECTOR,
  live: false,
  meaning: 'The MutatingWebhookConfiguration in which the authority of that certificate is published.',
  meaningZh: '发布该证书签发机构的 MutatingWebhookConfiguration。',
};

export const INJECTOR_ROWS: readonly Setting[] = [
  image,
  imagePullPolicy,
  imagePullSecrets,
  mode,
  sidecarHubUrl,
  sidecarHubCaFile,
  sidecarCaConfigMap,
  sidecarUpstreams,
  sidecarEgressProxy,
  sidecarEgressProxySecret,
  sidecarPort,
  sidecarAdminPort,
  cpuRequest,
  cpuLimit,
  memoryRequest,
  memoryLimit,
  sidecarLogLevel,
  runAsUser,
  lockedAnnotations,
  namespace,
  service,
  certificateSecret,
  webhookConfiguration,
];
