import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { DEMO_APP } from '../../src/simulator/accounts.ts';
import { makeCertificate } from '../../src/simulator/certificate.ts';
import type { SimulatorControl } from '../../src/simulator/control.ts';
import { makeSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/simulator.ts';
import { patientClock } from './patient-clock.ts';

export interface RunningSimulator {
  /** `http://127.0.0.1:port` or `https://localhost:port`, without a slash. */
  readonly origin: string;
  readonly port: number;
  readonly control: SimulatorControl;
  readonly simulator: Simulator;
  /** The certificate to trust, under https; else empty. */
  readonly certificatePem: string;
  /** Stops listening and drops every connection; the teardown does it too. */
  close(): Promise<void>;
}

export interface Teardown {
  teardown(run: () => unknown): void;
}

/** A simulator of one test's own, with the demo account unless `apps` says otherwise. */
export async function startSimulator(
  t: Teardown,
  options: Partial<SimulatorOptions> & { readonly https?: boolean } = {},
): Promise<RunningSimulator> {
  const { https = false, ...rest } = options;
  const clock = rest.clock ?? patientClock;
  const certificate = https ? await makeCertificate(systemClock) : undefined;
  const simulator = makeSimulator({
    log: silentLog,
    apps: [DEMO_APP],
    certificatePem: certificate?.certificatePem,
    ...rest,
    clock,
  });
  const server =
    certificate === undefined
      ? createServer(simulator.handler())
      : createTlsServer({ key: certificate.keyPem, cert: certificate.certificatePem }, simulator.handler());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  t.teardown(close);
  const origin = https ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  return {
    origin,
    port,
    control: simulator.control,
    simulator,
    certificatePem: certificate?.certificatePem ?? '',
    close,
  };
}
