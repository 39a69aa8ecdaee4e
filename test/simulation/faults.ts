import { BACKOFF_MS, type Excuses, machineOf, SETTLE_MS, STORE_SETTLE_MS, WARM_UP_MS } from './excuses.ts';
import type { HubNode } from './hub-node.ts';
import { PLATFORM } from './platform-ask.ts';
import type { SidecarNode } from './sidecar-node.ts';
import { type Step, stepText } from './script.ts';
import { STORE } from './store.ts';
import { pathOf, type Traffic } from './traffic.ts';
import { always } from './windows.ts';
import type { World } from './world.ts';

/** Calls while a path refuses every token, and so long after the token has died. */
const HELD_CALLS = 40;
const HELD_MS = 10_000;
const RESTART_MS = 1_000;
/** The slow re-probe of a hub that is not on the IP list, and its jitter. */
const RECHECK_MS = 68_000;

/** Carries out the steps of a script. */
export class Faults {
  carriedOut = 0;
  readonly #world: World;
  readonly #excuses: Excuses;

  constructor(world: World) {
    this.#world = world;
    this.#excuses = world.excuses;
  }

  carryOut(step: Step, traffic: Traffic): void {
    const { story } = this.#world;
    this.carriedOut += 1;
    story.tell('world', stepText(step));
    switch (step.do) {
      case 'revoke the token':
      case 'foreign fetch':
      case 'refuse a path':
      case 'stray refusals':
      case 'secret reset':
      case 'other lives':
      case 'platform diagnosis':
      case 'not on the IP list':
        return this.#onPlatform(step, traffic);
      case 'hub down':
      case 'hub pauses':
      case 'gateway':
      case 'button':
        return this.#onHub(step, this.#world.hubs[step.hub] as HubNode);
      case 'sidecar down':
      case 'sidecar pauses':
        return this.#onSidecar(step, this.#world.sidecars[step.sidecar] as SidecarNode);
      case 'rush':
        return traffic.rush(this.#world.sidecars[step.sidecar] as SidecarNode, step.calls, step.overMs);
      case 'keeper pauses in a fetch':
        return this.#pauseInFetch(step.keeper, step.forMs);
      case 'cold start':
        return this.#coldStart(step.kind, step.forMs, traffic);
      case 'reload':
        return this.#reload(step.keeper, step.wrongForMs);
      case 'cut':
        return this.#cut(step);
      case 'store hangs':
      case 'store fails over':
      case 'store restarts':
        return this.#onStore(step);
      case 'clock is set': {
        const { hubs, sidecars } = this.#world;
        const node = [...hubs, ...sidecars].find(({ name }) => name === step.host);
        this.#world.setWall(step.host, machineOf(node), step.byMs);
        this.#excuses.offFor(0, always, SETTLE_MS);
      }
    }
  }

  #onPlatform(
    step: Extract<
      Step,
      {
        do:
          | 'revoke the token'
          | 'foreign fetch'
          | 'refuse a path'
          | 'stray refusals'
          | 'secret reset'
          | 'other lives'
          | 'platform diagnosis'
          | 'not on the IP list';
      }
    >,
    traffic: Traffic,
  ): void {
    const { platform, schedule, sizes, sidecars } = this.#world;
    switch (step.do) {
      case 'revoke the token':
        return this.#repeat(step, () => platform.revoke(sizes.mode));
      case 'foreign fetch':
        return this.#repeat(step, () => platform.foreignFetch(sizes.mode, step.force));
      case 'refuse a path': {
        const path = pathOf(step.path);
        platform.refusing.set(path, step.errcode);
        this.#excuses.pathRefuses(path, step.forMs);
        schedule.in(step.forMs, undefined, () => platform.refusing.delete(path));
        if (step.revokeAfterMs === undefined) return;
        schedule.in(step.revokeAfterMs, undefined, () => platform.revoke(sizes.mode));
        // What is known of the path must not keep others from finding out.
        const sidecar = sidecars[step.path % sidecars.length] as SidecarNode;
        traffic.rush(sidecar, HELD_CALLS, step.revokeAfterMs + HELD_MS);
        return;
      }
      case 'stray refusals':
        platform.strays.set(pathOf(step.path), step.times);
        this.#excuses.straysCome(step.times);
        return;
      case 'secret reset':
        return this.#resetSecret(step.lagsMs);
      case 'other lives':
        platform.lifeS = step.lifeS;
        return;
      case 'platform diagnosis':
        if (step.restarts) schedule.in(step.forMs / 2, undefined, () => this.#restartKeepers());
        return this.#platformTrouble(step.kind, step.forMs);
      case 'not on the IP list': {
        const keepers = this.#keepers();
        const struck = step.keeper === 'all' ? keepers : [keepers[step.keeper] as HubNode | SidecarNode];
        for (const node of struck) this.#unlist(node.name, step.forMs);
      }
    }
  }

  #repeat({ times, everyMs }: { times: number; everyMs: number }, act: () => void): void {
    for (let time = 0; time < times; time += 1) this.#world.schedule.in(time * everyMs, undefined, act);
  }

  /** Those who hold the account. */
  #keepers(): readonly (HubNode | SidecarNode)[] {
    const { hubs, sidecars } = this.#world;
    return hubs.length > 0 ? hubs : sidecars;
  }

  #restartKeepers(): void {
    const { hubs, sidecars } = this.#world;
    for (const hub of hubs) this.#hubDown(hub, 'killed', RESTART_MS);
    if (hubs.length === 0) for (const sidecar of sidecars) this.#sidecarDown(sidecar, RESTART_MS);
  }

  #unlist(name: string, forMs: number): void {
    const { platform } = this.#world;
    platform.notListed.add(name);
    this.#excuses.barred(name);
    this.#excuses.offFor(
      forMs,
      (_, hub) => hub === name,
      RECHECK_MS,
      () => {
        platform.notListed.delete(name);
        this.#excuses.unbarred(name);
      },
    );
  }

  /** Stands still from the moment in which the platform gives it a token. */
  #pauseInFetch(keeper: number, forMs: number): void {
    const { platform } = this.#world;
    const node = this.#keepers()[keeper];
    if (node === undefined) return;
    platform.onceFetched.set(node.name, () => {
      machineOf(node)?.pause(forMs, false);
      this.#excuses.leaseInDoubt();
      this.#excuses.offFor(forMs, (_, hub) => hub === node.name, SETTLE_MS);
    });
  }

  #platformTrouble(kind: 'busy' | 'empty' | 'http500' | 'slow' | 'lossy', forMs: number): void {
    const { platform, weather } = this.#world;
    this.#excuses.troublePlatform(forMs);
    if (kind === 'slow' || kind === 'lossy') this.#excuses.troubleWay(forMs);
    if (kind === 'slow') weather.slowShare = 0.7;
    else if (kind === 'lossy') weather.lostShare = 0.5;
    else platform.diagnosis = kind;
    this.#excuses.offFor(forMs, always, BACKOFF_MS, () => {
      weather.slowShare = 0;
      weather.lostShare = 0;
      platform.diagnosis = 'none';
    });
  }

  /** Nobody has a token or remembers one, and each program calls as soon as it runs. */
  #coldStart(kind: 'busy' | 'empty' | 'http500', forMs: number, traffic: Traffic): void {
    const { hubs, sidecars, schedule, sizes, store } = this.#world;
    this.#platformTrouble(kind, Math.max(forMs, WARM_UP_MS));
    const nodes = [...hubs, ...sidecars].filter((node) => machineOf(node) !== undefined);
    for (const node of nodes) node.kill();
    this.#world.loseDisks();
    this.#excuses.memoryLost();
    if (sizes.store === 'shared') {
      store.restart(undefined);
      this.#excuses.doubtStore(0);
    }
    schedule.in(RESTART_MS, undefined, () => {
      for (const node of nodes) if (machineOf(node) === undefined) node.start();
    });
    schedule.in(forMs / 2, undefined, () => {
      for (const sidecar of sidecars) traffic.deliver(sidecar, pathOf(0));
    });
  }

  #reload(keeper: number, wrongForMs: number | undefined): void {
    const { schedule, platform } = this.#world;
    const node = this.#keepers()[keeper] as HubNode | SidecarNode;
    if (wrongForMs === undefined) return node.reload(node.secret);
    node.reload('a secret with a slip in it');
    this.#excuses.barred(node.name);
    this.#excuses.offFor(
      wrongForMs,
      (_, hub) => hub === node.name,
      SETTLE_MS,
      () => this.#excuses.unbarred(node.name),
    );
    schedule.in(wrongForMs, undefined, () => node.reload(platform.secret));
  }

  #resetSecret(lagsMs: readonly number[]): void {
    const { platform, schedule } = this.#world;
    platform.resetSecret();
    for (const [index, node] of this.#keepers().entries()) {
      const lagMs = lagsMs[index % lagsMs.length] as number;
      this.#excuses.offFor(lagMs, (_, hub) => hub === node.name, SETTLE_MS);
      schedule.in(lagMs, undefined, () => node.reload(platform.secret));
    }
  }

  #onHub(step: Extract<Step, { hub: number }>, node: HubNode): void {
    const { schedule } = this.#world;
    const here = (_: string, hub: string): boolean => hub === node.name;
    switch (step.do) {
      case 'hub down':
        return this.#hubDown(node, step.how, step.forMs);
      case 'hub pauses':
        node.machine()?.pause(step.forMs, step.sleeps);
        this.#excuses.leaseInDoubt();
        return this.#excuses.offFor(step.forMs, here, SETTLE_MS);
      case 'gateway':
        this.#world.setGateway(node, step.mode);
        return this.#excuses.offFor(
          step.forMs,
          (_, hub) => step.mode === 'errors' && here('', hub),
          SETTLE_MS,
          () => this.#world.setGateway(node, 'none'),
        );
      case 'button':
        schedule.in(0, node.machine(), () => node.pressButton());
    }
  }

  #hubDown(node: HubNode, how: 'killed' | 'stopped' | 'vanished', forMs: number): void {
    const { network } = this.#world;
    const here = (_: string, hub: string): boolean => hub === node.name;
    if (node.machine() === undefined) return;
    this.#excuses.leaseInDoubt();
    let mend = (): void => {};
    if (how === 'stopped') node.stop();
    else if (how === 'vanished') {
      const ends = [network.rule('*', node.name, 'drop'), network.rule(node.name, '*', 'drop')];
      mend = () => ends.forEach((end) => end());
      node.kill();
    } else node.kill();
    this.#excuses.offFor(forMs, here, SETTLE_MS, () => {
      mend();
      node.kill();
      node.start();
    });
  }

  #onSidecar(step: Extract<Step, { do: 'sidecar down' | 'sidecar pauses' }>, node: SidecarNode): void {
    if (step.do === 'sidecar down') return this.#sidecarDown(node, step.forMs);
    node.machine?.pause(step.forMs, step.sleeps);
    this.#excuses.offFor(step.forMs, (sidecar) => sidecar === node.name, SETTLE_MS);
  }

  #sidecarDown(node: SidecarNode, forMs: number): void {
    if (node.machine === undefined) return;
    node.kill();
    const settleMs = this.#world.hubs.length > 0 ? WARM_UP_MS : BACKOFF_MS;
    this.#excuses.offFor(
      forMs,
      (sidecar) => sidecar === node.name,
      settleMs,
      () => node.start(),
    );
  }

  #cut({ from, to, fate, forMs }: Extract<Step, { do: 'cut' }>): void {
    const { network } = this.#world;
    const ends = [network.rule(from, to, fate)];
    const [a, b] = [from, to];
    const touches = (name: string): boolean => name === a || name === b;
    const mend = (): void => ends.forEach((end) => end());
    if (from === '*' || to === '*') return this.#isolate(from === '*' ? to : from, fate, forMs, mend);
    if (touches(PLATFORM)) {
      this.#excuses.troublePlatform(forMs);
      this.#excuses.troubleWay(forMs);
      return this.#excuses.offFor(forMs, always, BACKOFF_MS, mend);
    }
    if (touches(STORE)) {
      this.#excuses.doubtStore(forMs);
      return this.#excuses.offFor(forMs, always, STORE_SETTLE_MS, mend);
    }
    const here = (sidecar: string, hub: string): boolean => touches(sidecar) && touches(hub);
    this.#excuses.offFor(forMs, here, SETTLE_MS, mend);
  }

  /** A hub that nobody reaches has no store and no platform either; and it may have had the turn. */
  #isolate(name: string, fate: 'drop' | 'refuse' | 'slow', forMs: number, mend: () => void): void {
    this.#excuses.doubtStore(forMs);
    this.#excuses.troublePlatform(forMs);
    this.#excuses.troubleWay(forMs);
    // In classic it gets no token before the store has been there for a while.
    const servingMs = this.#world.sizes.mode === 'classic' ? STORE_SETTLE_MS : SETTLE_MS;
    if (fate === 'slow') return this.#excuses.offFor(forMs, always, BACKOFF_MS, mend, servingMs);
    this.#excuses.leaseInDoubt();
    this.#excuses.offFor(forMs, (_, hub) => hub === name, BACKOFF_MS, mend, servingMs);
  }

  #onStore(step: Extract<Step, { do: 'store hangs' | 'store fails over' | 'store restarts' }>): void {
    const { store } = this.#world;
    this.#excuses.doubtStore(step.forMs);
    if (step.do === 'store hangs') {
      store.hang();
      return this.#excuses.offFor(step.forMs, always, STORE_SETTLE_MS, () => store.resume());
    }
    store.isDown = true;
    this.#excuses.offFor(step.forMs, always, STORE_SETTLE_MS, () => {
      store.isDown = false;
      if (step.do === 'store fails over') store.failOver(step.loseMs, step.clockShiftMs);
      else store.restart(step.ageMs);
    });
  }
}
