import { memoryStore, type TokenStore } from '../../src/store/store.ts';
import { storeOf, type TokenRecord } from '../../src/store/token-records.ts';
import { type Disk, diskRecords } from '../support/disk-model.ts';
import { Chance } from './chance.ts';
import { Excuses } from './excuses.ts';
import { Faults } from './faults.ts';
import type { Gateway } from './hub-http.ts';
import { HubNode } from './hub-node.ts';
import { Judge } from './judge.ts';
import { Story } from './log.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { Platform } from './platform.ts';
import type { PlatformWeather } from './platform-ask.ts';
import { Schedule } from './schedule.ts';
import type { Script } from './script.ts';
import { SidecarNode } from './sidecar-node.ts';
import type { CallStory } from './simulated-call.ts';
import { Store } from './store.ts';
import { Traffic } from './traffic.ts';

/** What it takes to write a small file. */
const DISK_MS = 3;

/** The last call of each sidecar, to an endpoint that refuses no good token. */
const LAST_CALL_MS = 60_000;
const LAST_PATH = '/cgi-bin/getcallbackip';

export interface WorldOptions {
  readonly write?: ((line: string) => void) | undefined;
}

/** Everything that there is, in one process and one virtual time. */
export class World {
  readonly script: Script;
  readonly schedule = new Schedule();
  readonly story: Story;
  readonly network: Network;
  readonly platform: Platform;
  readonly store: Store;
  readonly weather: PlatformWeather = { slowShare: 0, lostShare: 0 };
  readonly hubs: readonly HubNode[];
  readonly sidecars: readonly SidecarNode[];
  readonly judge: Judge;
  readonly excuses: Excuses;
  readonly faults: Faults;
  readonly #gateways = new Map<HubNode, Gateway>();
  readonly #disks = new Map<string, Disk>();
  readonly #wallsSet = new Map<string, number>();
  readonly #setBackMs = new Map<string, number>();
  #serial = 0;

  constructor(script: Script, { write }: WorldOptions = {}) {
    this.script = script;
    const { sizes, knobs } = script;
    this.story = new Story(this.schedule, write);
    this.network = new Network(this.schedule, this.chance('network'));
    this.platform = new Platform(knobs, () => this.schedule.nowMs);
    this.store = new Store(this.schedule);
    this.store.offsetMs = this.chance('store clock').one([0, 0, 900, -3_000, 40_000]);
    this.store.messageLoss = this.chance('messages').one([0, 0.02, 0.3, 1]);
    this.hubs = Array.from({ length: sizes.hubs }, (_, index) => new HubNode(this, index));
    this.sidecars = Array.from({ length: sizes.sidecars }, (_, index) => new SidecarNode(this, index));
    this.excuses = new Excuses(this);
    this.faults = new Faults(this);
    this.judge = new Judge(this);
  }

  get sizes(): Script['sizes'] {
    return this.script.sizes;
  }

  chance(stream: string): Chance {
    return new Chance(this.script.seed, stream);
  }

  /** Differs each time. */
  serial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** A process that starts again finds the clocks of its host as they are. */
  newMachine(name: string): Machine {
    const chance = this.chance(`clock ${name}`);
    const rate = 1 + chance.between(-150, 150) / 1_000_000;
    const wallOffsetMs = chance.one([0, 20, -800, 3_000, -60_000, 240_000]) + (this.#wallsSet.get(name) ?? 0);
    return new Machine(name, this.schedule, { rate, wallOffsetMs });
  }

  /** Somebody sets the wall clock of a host. */
  setWall(name: string, machine: Machine | undefined, byMs: number): void {
    this.#wallsSet.set(name, (this.#wallsSet.get(name) ?? 0) + byMs);
    if (byMs < 0) this.#setBackMs.set(name, this.schedule.nowMs);
    machine?.setWall(byMs);
  }

  /** Whether what a file says of a time may be wrong, since the wall clock was set back after it was written. */
  mayFileBeWrong(name: string, sinceMs: number): boolean {
    return this.sizes.store === 'disk' && (this.#setBackMs.get(name) ?? -Infinity) >= sinceMs;
  }

  gatewayOf(hub: HubNode): Gateway {
    return this.#gateways.get(hub) ?? 'none';
  }

  setGateway(hub: HubNode, gateway: Gateway): void {
    this.#gateways.set(hub, gateway);
  }

  /** The store of a keeper that is alone: nothing, or a file that outlives the process. */
  diskOf(machine: Machine): TokenStore {
    if (this.sizes.store === 'memory') return memoryStore;
    const disk = this.#disks.get(machine.name) ?? new Map<string, TokenRecord>();
    this.#disks.set(machine.name, disk);
    const records = diskRecords({
      disk,
      unixMs: () => machine.clock.unixMs(),
      later: (run) => void this.schedule.in(DISK_MS, machine, run),
    });
    return storeOf(records, machine.clock);
  }

  loseDisks(): void {
    this.#disks.clear();
  }

  async run(): Promise<Judge> {
    const traffic = new Traffic(this);
    const chance = this.chance('start');
    for (const hub of this.hubs) this.schedule.at(chance.between(0, 2_000), undefined, () => hub.start());
    for (const sidecar of this.sidecars) {
      this.schedule.at(chance.between(0, 5_000), undefined, () => {
        sidecar.start();
        traffic.begin(sidecar);
      });
    }
    for (const step of this.script.steps) {
      this.schedule.at(step.atMs, undefined, () => this.faults.carryOut(step, traffic));
    }
    traffic.beginWithoutSidecars();
    const lastCalls = new Map<SidecarNode, CallStory | undefined>();
    for (const sidecar of this.sidecars) {
      this.schedule.at(this.script.endMs - LAST_CALL_MS, undefined, () =>
        sidecar.call(LAST_PATH, (story) => lastCalls.set(sidecar, story)),
      );
    }
    await this.schedule.run(this.script.endMs);
    if (this.judge.violation === undefined) this.judge.atTheEnd(lastCalls);
    return this.judge;
  }
}
