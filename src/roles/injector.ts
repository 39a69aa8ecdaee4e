import { CERTIFICATE_POLICY, type CertificatePolicy } from '../injector/certificate-plan.ts';
import { CertificateKeeper } from '../injector/certificate-keeper.ts';
import { makeWebhookCertificate } from '../injector/certificate.ts';
import { ClusterVersion } from '../injector/cluster-version.ts';
import { INJECTOR_LIMITS } from '../injector/limits.ts';
import { injectorMetrics } from '../injector/metrics.ts';
import { ServerClock } from '../injector/server-clock.ts';
import type { InjectionSettings } from '../kubernetes/injection-settings.ts';
import { endOf, ServingCertificate } from '../injector/serving-certificate.ts';
import { webhookHandler } from '../injector/webhook.ts';
import { IN_CLUSTER_FILES, type KubernetesApi, makeKubernetesApi } from '../kubernetes/api.ts';
import type { Check } from '../server/admin.ts';
import { keepCertificate, type KeptCertificate } from '../server/certificate.ts';
import { connectionMetrics } from '../server/connection-metrics.ts';
import { listen } from '../server/listen.ts';
import type { RoleContext, RunningRole } from './role.ts';
import type { Settings } from '../settings/settings.ts';

const SETTING = 'WECHAT_SIDECAR_LISTEN (listen)';

/** The webhook that adds the sidecar to pods. */
export async function startInjector(
  settings: Settings,
  context: RoleContext,
  serviceAccountFiles: typeof IN_CLUSTER_FILES = IN_CLUSTER_FILES,
  policy: CertificatePolicy = CERTIFICATE_POLICY,
): Promise<RunningRole> {
  const { clock, log, metrics, version } = context;
  const counts = metrics.of(injectorMetrics);
  const api = makeKubernetesApi({ server: settings.kubernetes.apiServer, ...serviceAccountFiles }, clock);
  const serverClock = new ServerClock(api, clock, log);
  const cluster = new ClusterVersion(api, clock, log, () => void serverClock.nowMs());
  const certificate = await certificateFor(settings, context, api, serverClock, policy);
  counts.watchCertificate(() => endOf(certificate.shown.pair()));
  let injection = injectionOf(settings, version);
  const listener = await listen({
    handler: webhookHandler({
      settings: () => injection,
      nativeSupported: () => cluster.nativeSupported(),
      onReviewed: (result, reason) => counts.podReviewed(result, reason),
      clock,
      log,
    }),
    ...settings.listen,
    setting: SETTING,
    tls: certificate.shown,
    limits: INJECTOR_LIMITS,
    onCut: metrics.of(connectionMetrics).cutBy('business'),
    clock,
    log,
  });
  certificate.keeper?.start();
  void cluster.ask();

  return {
    name: 'injector',
    addresses: listener.addresses,
    port: listener.port,
    ready: [trustCheck(certificate.keeper)],
    status: () => ({
      cluster: cluster.version() ?? null,
      certificate: {
        endsAtUnixMs: endOf(certificate.shown.pair()),
        ...(certificate.keeper?.status() ?? { from: settings.tls?.certFile }),
      },
      image: injection.image,
      mode: injection.mode,
    }),
    reconfigure(next) {
      injection = injectionOf(next, version);
    },
    async drain(options) {
      const outcome = await listener.drain(options);
      certificate.keeper?.close();
      cluster.close();
      api.close();
      return outcome;
    },
  };
}

interface Certificate {
  readonly shown: KeptCertificate;
  /**
   * Undefined if the certificate comes from files; then the operator also has to make API servers trust its
   * CA.
   */
  readonly keeper: CertificateKeeper | undefined;
}

async function certificateFor(
  { tls, injector }: Settings,
  { clock, random, log, metrics }: RoleContext,
  api: KubernetesApi,
  serverClock: ServerClock,
  policy: CertificatePolicy,
): Promise<Certificate> {
  if (tls !== undefined) return { shown: keepCertificate(tls, SETTING, clock, log), keeper: undefined };
  const { namespace, service } = injector;
  // The only name by which API servers call a Service.
  const dnsNames = [`${service}.${namespace}.svc`];
  // Nobody trusts this one: it is served until the one that all replicas share is available.
  const shown = new ServingCertificate(
    await makeWebhookCertificate(dnsNames, clock.unixMs(), policy.lifeMs, random),
  );
  const keeper = new CertificateKeeper({
    api,
    namespace,
    secretName: injector.secret,
    configurationName: injector.webhookConfiguration,
    dnsNames,
    policy,
    clock,
    serverClock,
    random,
    log,
    onCertificate: (certificate) => shown.show(certificate),
    onRepair: () => metrics.of(injectorMetrics).trustRepaired(),
  });
  return { shown, keeper };
}

function injectionOf(settings: Settings, version: string): InjectionSettings {
  const { sidecar, namespace } = settings.injector;
  return { ...sidecar, version, audience: settings.kubernetes.audience, ownNamespace: namespace };
}

function trustCheck(keeper: CertificateKeeper | undefined): Check {
  return { name: 'certificate', run: () => keeper?.problem() };
}
