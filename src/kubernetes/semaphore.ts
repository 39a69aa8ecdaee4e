import type { Clock } from '../base/clock.ts';

export interface SemaphoreLimits {
  readonly inFlightMax: number;
  readonly waitingMax: number;
  readonly waitMsMax: number;
  /** How much of both limits one peer may use. */
  readonly shareMax: number;
}

interface Peer {
  inFlight: number;
  /** Oldest first. */
  readonly waiting: Waiter[];
}

interface Waiter {
  settle(admitted: boolean): void;
}

/**
 * A semaphore with a bounded queue and a time limit for waiting. Peers are served round-robin, so that none
 * waits behind another's flood. Within a peer the latest comes first: in a flood the earlier ones are about
 * to time out anyway, and an honest caller among them is served at once or retries.
 */
export class Semaphore {
  readonly #limits: SemaphoreLimits;
  readonly #clock: Clock;
  /** In round-robin order. */
  readonly #peers = new Map<string, Peer>();
  #inFlight = 0;
  #waiting = 0;

  constructor(limits: SemaphoreLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Returns undefined if `run` was not started in time. */
  async pass<T>(peer: string, run: () => Promise<T>): Promise<T | undefined> {
    const state = this.#peers.get(peer) ?? { inFlight: 0, waiting: [] };
    this.#peers.set(peer, state);
    if (!(await this.#admitted(state))) {
      this.#forgetIfIdle(peer, state);
      return undefined;
    }
    try {
      return await run();
    } finally {
      state.inFlight -= 1;
      this.#inFlight -= 1;
      this.#forgetIfIdle(peer, state);
      this.#next();
    }
  }

  #admitted(peer: Peer): Promise<boolean> {
    const { waitingMax, waitMsMax, shareMax } = this.#limits;
    if (this.#hasRoomFor(peer)) {
      this.#admit(peer);
      return Promise.resolve(true);
    }
    if (peer.waiting.length >= waitingMax * shareMax) this.#evictFrom(peer);
    else if (this.#waiting >= waitingMax) this.#evictFrom(this.#greediest());
    return new Promise((resolve) => {
      const waiter: Waiter = {
        settle: (admitted) => {
          peer.waiting.splice(peer.waiting.lastIndexOf(waiter), 1);
          this.#waiting -= 1;
          timer.cancel();
          resolve(admitted);
        },
      };
      const timer = this.#clock.after(waitMsMax, () => waiter.settle(false));
      peer.waiting.push(waiter);
      this.#waiting += 1;
    });
  }

  #hasRoomFor({ inFlight }: Peer): boolean {
    const { inFlightMax, shareMax } = this.#limits;
    return this.#inFlight < inFlightMax && inFlight < inFlightMax * shareMax;
  }

  #admit(peer: Peer): void {
    peer.inFlight += 1;
    this.#inFlight += 1;
  }

  /** The latest waiter of the next peer. */
  #next(): void {
    for (const [name, peer] of this.#peers) {
      const latest = peer.waiting.at(-1);
      if (latest === undefined || !this.#hasRoomFor(peer)) continue;
      this.#peers.delete(name);
      this.#peers.set(name, peer);
      this.#admit(peer);
      latest.settle(true);
      return;
    }
  }

  #evictFrom({ waiting }: Peer): void {
    waiting[0]?.settle(false);
  }

  #greediest(): Peer {
    const peers = [...this.#peers.values()];
    return peers.reduce((most, peer) => (peer.waiting.length > most.waiting.length ? peer : most));
  }

  #forgetIfIdle(name: string, peer: Peer): void {
    if (peer.inFlight === 0 && peer.waiting.length === 0 && this.#peers.get(name) === peer) {
      this.#peers.delete(name);
    }
  }
}
