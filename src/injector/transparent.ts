import { isObject, type JsonObject } from '../base/json.ts';
import { API_HOSTS } from '../wechat/hosts.ts';
import { add, type AddOperation, insert } from './json-patch.ts';
import { objects, type PodView } from './pod.ts';

/**
 * A pod whose programs have the platform's host name hard-coded: its hosts file maps that name to the
 * sidecar, which serves HTTPS with its own certificate that those programs are made to trust.
 */
export const TRUST_VOLUME = 'wechat-sidecar-trust';
export const KEY_VOLUME = 'wechat-sidecar-key';
const TRUST_FOLDER = '/var/run/wechat-sidecar/trust';
const KEY_FOLDER = '/var/run/wechat-sidecar/key';

const PORT = 443;
/** Lets a non-root user listen on that port. Pod Security "restricted" allows it. */
const SYSCTL = { name: 'net.ipv4.ip_unprivileged_port_start', value: String(PORT) };

/**
 * The variables by which programs find the CAs that they trust. The first ones add to the CAs that are
 * trusted already (Node; OpenSSL and with it Python's ssl, curl and .NET; Go). The others replace them, so
 * their file has the public CAs and ours (Python's requests, Java, PHP: the empty folder before ours stands
 * for PHP's built-in one).
 */
export const TRUST_VARIABLES: Readonly<Record<string, string>> = {
  NODE_EXTRA_CA_CERTS: `${TRUST_FOLDER}/wechat.pem`,
  SSL_CERT_DIR: `/etc/ssl/certs:/etc/pki/tls/certs:${TRUST_FOLDER}/hashed`,
  REQUESTS_CA_BUNDLE: `${TRUST_FOLDER}/bundle.pem`,
  JAVA_TOOL_OPTIONS: `-Djavax.net.ssl.trustStore=${TRUST_FOLDER}/trust.jks`,
  PHP_INI_SCAN_DIR: `:${TRUST_FOLDER}/php`,
};

/** The environment of the sidecar itself. */
export function transparentEnvironment(upstreams: readonly string[] | undefined): Record<string, string> {
  const isAstray = upstreams === undefined || upstreams.some((url) => API_HOSTS.has(new URL(url).hostname));
  return {
    WECHAT_SIDECAR_TRANSPARENT_LISTEN: `localhost:${PORT}`,
    // The hosts file also applies to the sidecar, and would make it call itself.
    ...(isAstray && { WECHAT_SIDECAR_RESOLVE: 'dns' }),
  };
}

/** In memory: a volume on the node's disk would keep the cluster autoscaler from moving the pod. */
export function transparentVolumes(): JsonObject[] {
  return [TRUST_VOLUME, KEY_VOLUME].map((name) => ({
    name,
    emptyDir: { medium: 'Memory', sizeLimit: '4Mi' },
  }));
}

export function transparentMounts(): JsonObject[] {
  return [
    { name: TRUST_VOLUME, mountPath: TRUST_FOLDER },
    { name: KEY_VOLUME, mountPath: KEY_FOLDER },
  ];
}

/** Mounts the CAs into a container that runs alongside the sidecar. */
export function trustMountOperations(list: string, index: number, container: JsonObject): AddOperation[] {
  const mounts = container['volumeMounts'];
  if (objects(mounts).some((mount) => mount['mountPath'] === TRUST_FOLDER)) return [];
  const mount = { name: TRUST_VOLUME, mountPath: TRUST_FOLDER, readOnly: true };
  return insert(['spec', list, index, 'volumeMounts'], mounts, 'end', [mount]);
}

/** Changes to the pod as a whole. */
export function transparentPodOperations({ spec }: PodView): AddOperation[] {
  const alias = { ip: '127.0.0.1', hostnames: [...API_HOSTS] };
  const context = spec['securityContext'];
  const sysctls = isObject(context) ? context['sysctls'] : undefined;
  const isAllowed = objects(sysctls).some((sysctl) => sysctl['name'] === SYSCTL.name);
  return [
    ...insert(['spec', 'hostAliases'], spec['hostAliases'], 'end', [alias]),
    ...(isAllowed
      ? []
      : isObject(context)
        ? insert(['spec', 'securityContext', 'sysctls'], sysctls, 'end', [SYSCTL])
        : [add(['spec', 'securityContext'], { sysctls: [SYSCTL] })]),
  ];
}

/** Why transparent mode cannot work in this pod. */
export function transparentConflicts(
  { spec }: PodView,
  mode: 'native' | 'container',
  taken: ReadonlySet<number>,
): string[] {
  const problems: string[] = [];
  if (taken.has(PORT)) {
    problems.push(`port ${PORT} is declared by one of its containers, but transparent has to listen there`);
  }
  if (mode === 'container') {
    problems.push(
      'transparent needs a native sidecar: init containers would find the API name mapped here and nothing listening',
    );
  }
  const aliased = objects(spec['hostAliases']).flatMap((alias) => alias['hostnames']);
  if (aliased.some((name) => API_HOSTS.has(String(name)))) {
    problems.push('its hostAliases already contain a host of the API: remove those to use transparent');
  }
  const context = isObject(spec['securityContext']) ? spec['securityContext'] : {};
  const sysctl = objects(context['sysctls']).find(({ name }) => name === SYSCTL.name);
  if (sysctl !== undefined && Number(sysctl['value']) > PORT) {
    problems.push(`its sysctl ${SYSCTL.name} is above ${PORT}, but transparent has to listen there`);
  }
  return problems;
}

/**
 * What the author may have to do: a container may have its own trust settings, and a container that runs
 * before the sidecar finds the API name mapped to an address where nothing listens yet.
 */
export function transparentWarnings({ containers, initContainers }: PodView, initIndex: number): string[] {
  const variables = Object.keys(TRUST_VARIABLES);
  const early = initContainers.slice(0, initIndex).map((container) => String(container['name']));
  return [
    ...[...initContainers, ...containers].flatMap((container) => {
      const own = objects(container['env']).map((entry) => String(entry['name']));
      const kept = variables.filter((name) => own.includes(name));
      const name = String(container['name']);
      return [
        ...(kept.length > 0
          ? [
              `container ${name} sets ${kept.join(', ')} itself: to use transparent, make it trust ${TRUST_FOLDER}/wechat.pem too`,
            ]
          : []),
        ...(objects(container['envFrom']).length > 0
          ? [
              `container ${name} uses envFrom: transparent overrides ${variables.join(', ')} if they are set there; set them in env to keep them`,
            ]
          : []),
      ];
    }),
    ...(early.length > 0
      ? [`${early.join(', ')} cannot call the API, because the sidecar starts later`]
      : []),
  ];
}
