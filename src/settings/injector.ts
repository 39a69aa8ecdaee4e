import type { InjectionSettings } from '../kubernetes/injection-settings.ts';
import { cpuMillis, memoryBytes } from '../kubernetes/quantity.ts';
import { hubInClear, upstreamInClear } from './in-clear.ts';
import type { SettingsReader } from './reader.ts';
import type { Role } from './role.ts';
import type { Key, Values } from './schema.ts';
import { certificates } from './types.ts';

/** What is injected into pods, and where the injector keeps its certificate. */
export interface InjectorSettings extends Pick<
  Values['injector'],
  'namespace' | 'service' | 'secret' | 'webhookConfiguration'
> {
  readonly sidecar: Omit<InjectionSettings, 'version' | 'audience' | 'ownNamespace'>;
}

export function readInjector(reader: SettingsReader, role: Role): InjectorSettings {
  const { namespace, service, secret, webhookConfiguration, hubUrl, hubCaFile, ...given } =
    reader.values.injector;
  if (role === 'injector' && reader.given('injector.image') === undefined) {
    reader.problems.push(
      'no image: set WECHAT_INJECTOR_IMAGE (injector.image) to the image that pods are to get',
    );
  }
  const sidecar = {
    ...given,
    image: given.image ?? '',
    hubUrls: hubUrl,
    hubCaPem: hubCaFile && readHubCa(reader),
    runAsUser: given.runAsUser === 'image' ? undefined : given.runAsUser,
  };
  refuseBoth(reader, 'injector.hubCaFile', 'injector.caConfigMap');
  refuseBoth(reader, 'injector.egressProxy', 'injector.egressProxySecret');
  if (role === 'injector') {
    refuseImpossible(reader, sidecar);
    warnOfClear(reader, sidecar);
  }
  return { sidecar, namespace, service, secret, webhookConfiguration };
}

function warnOfClear(reader: SettingsReader, { hubUrls, upstreams = [] }: InjectorSettings['sidecar']): void {
  const [hubName, name] = [reader.nameOf('injector.hubUrl'), reader.nameOf('injector.upstreams')];
  for (const url of hubUrls) reader.addWarning(hubInClear(hubName, url, 'each sidecar'));
  for (const url of upstreams) reader.addWarning(upstreamInClear(name, url));
}

/** All annotations of a pod together are limited to 256 KiB. */
const HUB_CA_CHARACTERS_MAX = 128 * 1_024;

function readHubCa(reader: SettingsReader): string | undefined {
  const pem = reader.content('injector.hubCaFile', certificates)?.reveal();
  if (pem !== undefined && pem.length > HUB_CA_CHARACTERS_MAX) {
    reader.refuse(
      'injector.hubCaFile',
      `has ${pem.length} characters, and an annotation can have ${HUB_CA_CHARACTERS_MAX}: use injector.caConfigMap`,
    );
  }
  return pem === undefined ? undefined : `${pem}\n`;
}

/** Two settings that exclude each other are both given. */
function refuseBoth(reader: SettingsReader, one: Key, other: Key): void {
  if (reader.given(one) !== undefined && reader.given(other) !== undefined)
    reader.refuse(one, `is set beside ${other}: sidecars take one of them`);
}

/** Values that an API server would reject in every pod. */
function refuseImpossible(reader: SettingsReader, settings: InjectorSettings['sidecar']): void {
  const pairs = [
    ['injector.cpuRequest', settings.cpuRequest, settings.cpuLimit, cpuMillis],
    ['injector.memoryRequest', settings.memoryRequest, settings.memoryLimit, memoryBytes],
  ] as const;
  for (const [key, request, limit, read] of pairs) {
    if (limit !== undefined && (read(request) ?? 0) > (read(limit) ?? 0))
      reader.refuse(key, `${request} is more than the limit, ${limit}`);
  }
  if (settings.port === settings.adminPort)
    reader.refuse('injector.port', `is the admin port of sidecars too, ${settings.port}`);
}
