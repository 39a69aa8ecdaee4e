interface Container {
  name?: string;
  securityContext?: Record<string, unknown> & {
    capabilities?: { add?: string[]; drop?: string[] };
    seccompProfile?: { type?: string };
  };
  ports?: { hostPort?: number }[];
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  startupProbe?: Probe;
}

interface Probe {
  httpGet?: { host?: string };
  tcpSocket?: { host?: string };
}

interface Pod {
  spec: {
    containers: Container[];
    initContainers?: Container[];
    volumes?: Record<string, unknown>[];
    securityContext?: {
      runAsNonRoot?: boolean;
      runAsUser?: number;
      seccompProfile?: { type?: string };
      sysctls?: { name: string }[];
    };
    hostNetwork?: boolean;
    hostPID?: boolean;
    hostIPC?: boolean;
  };
}

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const SAFE_SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
];

/**
 * What the Pod Security Standard `restricted` has against a pod, one line each.
 * Source: kubernetes.io/docs/concepts/security/pod-security-standards
 */
export function restrictedFaults(pod: unknown): string[] {
  const { spec } = pod as Pod;
  const faults: string[] = [];
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (spec[field] === true) faults.push(`${field} is set`);
  }
  for (const volume of spec.volumes ?? []) {
    const kinds = Object.keys(volume).filter((key) => key !== 'name');
    for (const kind of kinds) {
      if (!VOLUMES.includes(kind)) faults.push(`volume ${String(volume['name'])} is of kind ${kind}`);
    }
  }
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    if (!SAFE_SYSCTLS.includes(name)) faults.push(`sysctl ${name}`);
  }
  if (spec.securityContext?.runAsUser === 0) faults.push('the pod runs as root');
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    faults.push(...containerFaults(spec, container).map((fault) => `${container.name}: ${fault}`));
  }
  return faults;
}

function containerFaults(spec: Pod['spec'], container: Container): string[] {
  const context = container.securityContext ?? {};
  const seccomp = (context.seccompProfile ?? spec.securityContext?.seccompProfile)?.type ?? '';
  const probes = [container.livenessProbe, container.readinessProbe, container.startupProbe];
  const rules: [boolean, string][] = [
    [context['privileged'] === true, 'privileged'],
    [context['allowPrivilegeEscalation'] !== false, 'allowPrivilegeEscalation is not false'],
    [context.capabilities?.drop?.includes('ALL') !== true, 'does not drop ALL'],
    [
      (context.capabilities?.add ?? []).some((capability) => capability !== 'NET_BIND_SERVICE'),
      'adds a capability',
    ],
    [
      (context['runAsNonRoot'] ?? spec.securityContext?.runAsNonRoot) !== true,
      'may run as root (runAsNonRoot)',
    ],
    [context['runAsUser'] === 0, 'runs as root'],
    [!['RuntimeDefault', 'Localhost'].includes(seccomp), 'has no seccomp profile'],
    [(context['procMount'] ?? 'Default') !== 'Default', 'procMount'],
    [(container.ports ?? []).some((port) => (port.hostPort ?? 0) !== 0), 'has a hostPort'],
    [
      probes.some((probe) => (probe?.httpGet?.host ?? probe?.tcpSocket?.host ?? '') !== ''),
      'probes another host',
    ],
  ];
  return rules.flatMap(([broken, fault]) => (broken ? [fault] : []));
}
