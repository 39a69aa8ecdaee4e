import { Secret } from '../../src/base/secret.ts';
import { ReplayBudget } from '../../src/proxy/body.ts';
import { HubAccounts } from '../../src/hub-client/accounts.ts';
import type { Call } from '../../src/proxy/call.ts';
import { serveCall } from '../../src/proxy/serve.ts';
import type { Accounts, ProxyRules, Sidecar } from '../../src/proxy/sidecar.ts';
import { Reports } from '../../src/proxy/reports.ts';
import type { Credentials } from '../../src/wechat/issuer.ts';
import { CLIENT_KEY, type Keeping, makeKeeping } from './hub-node.ts';
import { simulatedHubHttp } from './hub-http.ts';
import type { Machine } from './machine.ts';
import { APPID } from './platform.ts';
import { type CallStory, SimulatedCall } from './simulated-call.ts';
import { RateLimit } from '../../src/base/rate-limit.ts';
import { LOGIN_ONLY } from '../../src/token/source.ts';
import { SIGNATURE_RATE } from '../../src/wechat/page-signature.ts';
import type { World } from './world.ts';

const RULES: ProxyRules = {
  defaultApp: APPID,
  foreignTokens: 'pass',
  errorStatus: 'wechat',
  replayBodyBytesMax: 1_000_000,
  inFlightMax: 1_000,
  gate: { upstreamHosts: new Set(), allowedHosts: new Set(), denied: () => false, allowedOrigins: new Set() },
};

/** Counts nothing, whatever it is told. */
const noMetrics = new Proxy({}, { get: () => () => undefined }) as Sidecar['metrics'];

/** A sidecar, through all its lives. */
export class SidecarNode {
  readonly name: string;
  sidecar: Sidecar | undefined;
  /** Where it keeps the account itself. */
  keeping: Keeping | undefined;
  secret: string;
  readonly #world: World;
  #machine: Machine | undefined;
  #hubAccounts: HubAccounts | undefined;
  #onChange: () => void = () => {};

  constructor(world: World, index: number) {
    this.#world = world;
    this.name = `sidecar-${index}`;
    this.secret = world.platform.secret;
  }

  get machine(): Machine | undefined {
    return this.#machine;
  }

  /** The fingerprint of the token that a call would carry now. */
  inUse(): string | undefined {
    return this.sidecar?.accounts.peek(APPID)?.fingerprint;
  }

  start(): void {
    const world = this.#world;
    const machine = world.newMachine(this.name);
    this.#machine = machine;
    const { clock } = machine;
    const log = world.story.logOf(this.name);
    const accounts = world.hubs.length === 0 ? this.#ownAccounts(machine) : this.#hubBacked(machine);
    const reports = new Reports({ accounts, clock });
    this.#onChange = () => reports.tokenChanged(APPID);
    this.sidecar = {
      version: '0.0.0-simulation',
      accounts,
      upstream: undefined as unknown as Sidecar['upstream'],
      passThrough: undefined as unknown as Sidecar['passThrough'],
      budget: new ReplayBudget(64 * 1024 * 1024),
      reports,
      signatures: new RateLimit(SIGNATURE_RATE, clock),
      metrics: noMetrics,
      clock,
      log,
      rules: () => RULES,
    };
    world.judge.quotas.gaveReason(this.name);
    void this.#hubAccounts?.start();
    this.keeping?.keepers.start();
    world.story.tell(this.name, 'started');
  }

  kill(): void {
    if (this.#machine === undefined) return;
    this.#world.story.tell(this.name, 'ended');
    this.#machine.kill();
    this.#world.network.reset(this.#machine);
    if (this.keeping?.link !== undefined) this.#world.store.links.delete(this.keeping.link);
    this.#machine = undefined;
    this.sidecar = undefined;
    this.keeping = undefined;
    this.#hubAccounts = undefined;
  }

  reload(secret: string): void {
    if (secret !== this.secret) this.#world.judge.quotas.gaveReason(this.name);
    this.secret = secret;
    this.keeping?.keepers.reconfigure([this.#credentials()]);
  }

  /** A program makes a call. */
  call(path: string, onEnd?: (story: CallStory) => void): void {
    const { sidecar } = this;
    const machine = this.#machine;
    if (sidecar === undefined || machine === undefined) return;
    const call = new SimulatedCall(this.#world, this, machine, path, onEnd);
    const watched = {
      ...sidecar,
      accounts: call.watched(sidecar.accounts),
      reports: call.watchedReports(sidecar.reports),
    };
    this.#world.judge.called();
    serveCall(call as unknown as Call, watched).then(
      (served) => call.ended(served),
      (error: unknown) => this.#world.judge.crashed(this.name, error),
    );
  }

  #credentials(): Credentials {
    return { appid: APPID, secret: new Secret(this.secret), mode: this.#world.sizes.mode };
  }

  #ownAccounts(machine: Machine): Accounts {
    const keeping = makeKeeping(this.#world, machine, this.#credentials(), () => this.#onChange());
    const { keepers, tickets } = keeping;
    this.keeping = keeping;
    return {
      token: (appid) => keepers.token(appid),
      peek: (appid) => keepers.peek(appid),
      report: (appid, refusal) => keepers.report(appid, refusal),
      ownerOf: (fingerprint) => keepers.ownerOf(fingerprint),
      knows: () => true,
      isLoginOnly: () => false,
      signPage: async () => LOGIN_ONLY,
      ticket: (appid, type) => tickets.ticket(appid, type),
      secretOf: () => ({ kind: 'here', secret: new Secret(this.secret) }),
    };
  }

  #hubBacked(machine: Machine): Accounts {
    const world = this.#world;
    const { clock } = machine;
    let inUse: { fingerprint: string; expiresAtUnixMs: number } | undefined;
    const accounts = new HubAccounts({
      urls: world.hubs.map(({ name }) => `http://${name}:3882`),
      readBearer: () => Promise.resolve({ kind: 'bearer', value: new Secret(CLIENT_KEY) }),
      http: simulatedHubHttp(world, machine),
      version: '0.0.0-simulation',
      clock,
      random: world.chance(`hub client ${this.name}`).random,
      log: world.story.logOf(this.name),
      onToken: (told) => {
        if (inUse?.fingerprint !== told.fingerprint) world.judge.held(machine, told.fingerprint);
        inUse = told;
        this.#onChange();
      },
      onGone: () => {},
    });
    this.#hubAccounts = accounts;
    return accounts;
  }
}
