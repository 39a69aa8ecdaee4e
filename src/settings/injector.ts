import { cpuMillis, memoryBytes } from '../kubernetes/quantity.ts';
import { hubInClear, upstreamInClear } from './in-clear.ts';
import type { Setting } from './setting.ts';
import { certificates } from './forms.ts';
import { defaultOf, type SettingsReader } from './reader.ts';
import * as row from './table-injector.ts';
import type { InjectorSettings, Role } from './settings.ts';

/** What pods get, and where the injector keeps its certificate. */
export function readInjector(reader: SettingsReader, role: Role): InjectorSettings {
  const image = reader.one(row.image);
  if (role === 'injector' && reader.given(row.image) === undefined) {
    reader.problems.push(
      'no image: set WECHAT_INJECTOR_IMAGE (injector.image) to the image that pods are to get',
    );
  }
  const hubCaPem = readHubCa(reader);
  refuseBoth(reader, row.sidecarEgressProxy, row.sidecarEgressProxySecret);
  const user = reader.oneOrDefault(row.runAsUser);
  const sidecar: InjectorSettings['sidecar'] = {
    image: image ?? '',
    imagePullPolicy: reader.one(row.imagePullPolicy),
    imagePullSecrets: reader.many(row.imagePullSecrets) ?? [],
    mode: reader.oneOrDefault(row.mode),
    hubUrls: reader.many(row.sidecarHubUrl) ?? [defaultOf(row.sidecarHubUrl)],
    upstreams: reader.many(row.sidecarUpstreams),
    hubCaPem,
    caConfigMap: reader.one(row.sidecarCaConfigMap),
    egressProxy: reader.one(row.sidecarEgressProxy),
    egressProxySecret: reader.one(row.sidecarEgressProxySecret),
    port: reader.oneOrDefault(row.sidecarPort),
    adminPort: reader.oneOrDefault(row.sidecarAdminPort),
    cpuRequest: reader.oneOrDefault(row.cpuRequest),
    cpuLimit: reader.one(row.cpuLimit),
    memoryRequest: reader.oneOrDefault(row.memoryRequest),
    memoryLimit: reader.oneOrDefault(row.memoryLimit),
    logLevel: reader.oneOrDefault(row.sidecarLogLevel),
    runAsUser: user === 'image' ? undefined : user,
    lockedAnnotations: reader.many(row.lockedAnnotations) ?? [],
  };
  if (role === 'injector') {
    refuseImpossible(reader, sidecar);
    warnOfClear(reader, sidecar);
  }
  return {
    sidecar,
    namespace: reader.oneOrDefault(row.namespace),
    service: reader.oneOrDefault(row.service),
    secret: reader.oneOrDefault(row.certificateSecret),
    webhookConfiguration: reader.oneOrDefault(row.webhookConfiguration),
  };
}

function warnOfClear(reader: SettingsReader, { hubUrls, upstreams = [] }: InjectorSettings['sidecar']): void {
  const nameOf = (setting: Setting): string => reader.given(setting)?.name ?? setting.key;
  const warnings = [
    ...hubUrls.map((url) => hubInClear(nameOf(row.sidecarHubUrl), url, 'each sidecar')),
    ...upstreams.map((url) => upstreamInClear(nameOf(row.sidecarUpstreams), url)),
  ];
  reader.warnings.push(...warnings.filter((warning) => warning !== undefined));
}

/** All annotations of a pod together may have 256 KiB. */
const HUB_CA_CHARACTERS_MAX = 128 * 1_024;

function readHubCa(reader: SettingsReader): string | undefined {
  const given = reader.given(row.sidecarHubCaFile);
  const pem = reader.secretFile(row.sidecarHubCaFile, undefined, certificates)?.reveal();
  refuseBoth(reader, row.sidecarHubCaFile, row.sidecarCaConfigMap);
  if (pem !== undefined && pem.length > HUB_CA_CHARACTERS_MAX) {
    reader.problems.push(
      `${given?.name}: holds ${pem.length} characters, and an annotation ${HUB_CA_CHARACTERS_MAX} at most: use ${row.sidecarCaConfigMap.key}`,
    );
  }
  return pem === undefined ? undefined : `${pem}\n`;
}

/** One of two settings that stand for each other, given beside the other one. */
function refuseBoth(reader: SettingsReader, one: Setting, other: Setting): void {
  const given = reader.given(one);
  if (given === undefined || reader.given(other) === undefined) return;
  reader.problems.push(`${given.name}: is set beside ${other.key}: sidecars take one of them`);
}

/** What an API server would refuse in every pod. */
function refuseImpossible(reader: SettingsReader, settings: InjectorSettings['sidecar']): void {
  const pairs = [
    [row.cpuRequest, settings.cpuRequest, settings.cpuLimit, cpuMillis],
    [row.memoryRequest, settings.memoryRequest, settings.memoryLimit, memoryBytes],
  ] as const;
  for (const [setting, request, limit, read] of pairs) {
    if (limit === undefined || (read(request) ?? 0) <= (read(limit) ?? 0)) continue;
    reader.problems.push(
      `${reader.given(setting)?.name ?? setting.key}: ${request} is more than the limit, ${limit}`,
    );
  }
  if (settings.port === settings.adminPort) {
    reader.problems.push(
      `${reader.given(row.sidecarPort)?.name ?? row.sidecarPort.key}: is the admin port of sidecars too, ${settings.port}`,
    );
  }
}
