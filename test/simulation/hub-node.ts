import { RateLimit } from '../../src/base/rate-limit.ts';
import { SIGNATURE_RATE } from '../../src/wechat/page-signature.ts';
import { createHash } from 'node:crypto';
import { Secret } from '../../src/base/secret.ts';
import { accountsOf } from '../../src/hub/accounts.ts';
import { Audit } from '../../src/hub/audit.ts';
import { type Caller, Authenticator } from '../../src/hub/authenticator.ts';
import { History } from '../../src/hub/history.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { CALL_LIMITS, RELAY_LIMITS } from '../../src/hub/limits.ts';
import { Refreshes } from '../../src/hub/refreshes.ts';
import { Shares } from '../../src/hub/shares.ts';
import { Watchers } from '../../src/hub/watchers.ts';
import { type Keepers, makeKeepers } from '../../src/keeper/keepers.ts';
import { silentObserver } from '../../src/keeper/observer.ts';
import { SharedStore } from '../../src/lease/shared-store.ts';
import type { TokenStore } from '../../src/store/store.ts';
import { keepTickets, type KeptTickets } from '../../src/keeper/tickets.ts';
import type { Credentials } from '../../src/wechat/issuer.ts';
import { makePlatformIssuer } from '../../src/wechat/platform-issuer.ts';
import type { Machine } from './machine.ts';
import type { Server } from './network.ts';
import { APPID } from './platform.ts';
import { platformAsk } from './platform-ask.ts';
import { StoreLink } from './store.ts';
import type { World } from './world.ts';
import { RIGHTS } from '../../src/hub-api/rights.ts';

export const CLIENT_KEY = 'key-of-every-sidecar';

const PERSON: Caller = {
  kind: 'client',
  name: 'person',
  grants: [{ apps: new Set(['*']), may: new Set(RIGHTS) }],
};

const CLIENTS = [
  {
    name: 'sidecars',
    keySha256: createHash('sha256').update(CLIENT_KEY).digest('hex'),
    apps: ['*'],
    may: RIGHTS,
  },
];

/** Everything that a running keeper of accounts consists of, in a hub or in a sidecar without one. */
export interface Keeping {
  readonly machine: Machine;
  readonly keepers: Keepers;
  readonly tickets: KeptTickets;
  readonly link: StoreLink | undefined;
}

/** Puts keepers together as `startHub` and `makeOwnAccounts` do. */
export function makeKeeping(world: World, machine: Machine, app: Credentials, onChange: () => void): Keeping {
  const { clock } = machine;
  const random = world.chance(`keeper ${machine.name}`).random;
  const log = world.story.logOf(machine.name);
  const ask = platformAsk(world, machine);
  const { store, link } = storeFor(world, machine);
  const keepers = makeKeepers({
    apps: [app],
    issuer: makePlatformIssuer(ask),
    store,
    clock,
    random,
    log,
    observer: {
      ...silentObserver,
      tokenChanged(told) {
        world.judge.held(machine, told.fingerprint);
        onChange();
      },
    },
  });
  const tickets = keepTickets({ tokens: keepers, ask, clock, random, log });
  return { machine, keepers, tickets, link };
}

function storeFor(world: World, machine: Machine): { store: TokenStore; link: StoreLink | undefined } {
  const { clock } = machine;
  if (world.sizes.store !== 'shared') return { store: world.diskOf(machine), link: undefined };
  const chance = world.chance(`store ${machine.name}`);
  const link = new StoreLink(world.store, machine, world.network, world.schedule, chance);
  const holder = `${machine.name}-${world.serial()}`;
  const log = world.story.logOf(machine.name);
  return {
    store: new SharedStore({ records: link, holder, clock, random: chance.random, log }),
    link,
  };
}

/** A hub, through all its lives. */
export class HubNode implements Server {
  readonly name: string;
  hub: Hub | undefined;
  keeping: Keeping | undefined;
  /** The AppSecret in its settings. */
  secret: string;
  readonly #world: World;
  #watchers: Watchers | undefined;

  constructor(world: World, index: number) {
    this.#world = world;
    this.name = `hub-${index}`;
    this.secret = world.platform.secret;
  }

  get isUp(): boolean {
    return this.hub !== undefined;
  }

  machine(): Machine | undefined {
    return this.keeping?.machine;
  }

  start(): void {
    const world = this.#world;
    const machine = world.newMachine(this.name);
    const { clock } = machine;
    const log = world.story.logOf(this.name);
    const keeping = makeKeeping(world, machine, this.#credentials(), () => watchers.changed(APPID));
    const { keepers, tickets } = keeping;
    const accounts = accountsOf(keepers, () => [{ ...this.#credentials(), name: 'shop' }]);
    const watchers = new Watchers({ accounts, clock, log });
    const audit = new Audit(log);
    this.hub = {
      version: '0.0.0-simulation',
      about: { name: this.name, sinceUnixMs: clock.unixMs() },
      accounts,
      callers: new Authenticator(CLIENTS, undefined, clock),
      refreshes: new Refreshes({ accounts, audit, clock }),
      watchers,
      calls: new Shares(CALL_LIMITS),
      relays: new Shares(RELAY_LIMITS),
      connectionTable: { authenticated() {} },
      tickets,
      signatures: new RateLimit(SIGNATURE_RATE, clock),
      upstream: undefined as unknown as Hub['upstream'],
      history: new History(clock),
      audit,
      metrics: { answered() {} },
      clock,
      random: world.chance(`hub ${this.name}`).random,
      log,
    };
    this.keeping = keeping;
    this.#watchers = watchers;
    world.judge.quotas.gaveReason(this.name);
    keepers.start();
    world.story.tell(this.name, 'started');
  }

  /** As SIGTERM does. */
  stop(): void {
    const { keeping } = this;
    if (keeping === undefined) return;
    this.#world.story.tell(this.name, 'stops');
    this.#watchers?.close();
    keeping.tickets.close();
    void keeping.keepers.close().then(() => this.kill());
    this.hub = undefined;
  }

  kill(): void {
    const machine = this.machine();
    if (machine === undefined || !machine.alive) return;
    this.#world.story.tell(this.name, 'ended');
    machine.kill();
    if (this.keeping?.link !== undefined) this.#world.store.links.delete(this.keeping.link);
    this.#world.network.reset(machine);
    this.hub = undefined;
    this.keeping = undefined;
  }

  /** The file of settings has changed. */
  reload(secret: string): void {
    if (secret !== this.secret) this.#world.judge.quotas.gaveReason(this.name);
    this.secret = secret;
    this.keeping?.keepers.reconfigure([this.#credentials()]);
  }

  pressButton(): void {
    if (this.hub === undefined) return;
    this.#world.judge.quotas.gaveReason(this.name);
    void this.hub.refreshes.byHand(PERSON, APPID);
  }

  #credentials(): Credentials {
    return { appid: APPID, secret: new Secret(this.secret), mode: this.#world.sizes.mode };
  }
}
