import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { networkOf } from './peer.ts';

export interface ConnectionLimits {
  /** All connections together. */
  readonly connectionsMax: number;
  /** Of these, the unproven ones: no TLS handshake and no complete head yet. */
  readonly unprovenMax: number;
  /**
   * Whether callers connect from many addresses: one address then has at most half of either table until its callers
   * are authenticated. A listener with one legitimate peer has no such share.
   */
  readonly hasManyPeers: boolean;
  /** Whether a request with a body proves a connection only once it is complete, or its caller is authenticated. */
  readonly needsWholeRequest: boolean;
}

/** Why a connection was closed in favor of another. */
const GIVE_WAY_REASONS = ['peer_share', 'unproven_limit', 'caller_share', 'connection_limit'] as const;
export type EvictionReason = (typeof GIVE_WAY_REASONS)[number];

/** The largest share of a table for one address, or one caller. */
const SHARE_MAX = 0.5;

interface Entry {
  /** The peer's address and port. */
  readonly peer: string;
  readonly socket: Socket;
  readonly address: string;
  /** Set once it is authenticated. */
  caller: string | undefined;
  isProven: boolean;
  /** It is no longer in the table. */
  isGone: boolean;
  /** Requests whose responses are not sent yet. */
  inWork: number;
  queue: FairQueue;
  /** Its owner in that queue. */
  own: Own | undefined;
  /** The queue that it was in before, and its owner there: a served connection is soon idle again. */
  queueBefore: FairQueue | undefined;
  ownBefore: Own | undefined;
  /** Its neighbors in the queue, with the same owner. */
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** The connections of one owner in a queue. */
interface Own {
  size: number;
  /** It is no longer in its queue, where another may have its name. */
  isForgotten: boolean;
  oldest: Entry | undefined;
  newest: Entry | undefined;
}

/**
 * The connections of each owner, in order of arrival. Each request moves an entry twice, so they form a linked list: a Set
 * with an insertion and a deletion per request is costly for the garbage collector.
 */
class FairQueue {
  readonly #byOwner = new Map<string, Own>();
  #size = 0;
  readonly #ownerOf: (entry: Entry) => string;

  constructor(ownerOf: (entry: Entry) => string) {
    this.#ownerOf = ownerOf;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(owner: string): number {
    return this.#byOwner.get(owner)?.size ?? 0;
  }

  /** The oldest of this owner, else of the owner with the most connections (the earlier one, if tied). */
  oldest(owner?: string): Entry | undefined {
    return (owner === undefined ? this.#greediest() : this.#byOwner.get(owner))?.oldest;
  }

  #greediest(): Own | undefined {
    let most: Own | undefined;
    for (const own of this.#byOwner.values()) if (own.size > (most?.size ?? 0)) most = own;
    return most;
  }

  add(entry: Entry): void {
    const own = this.#ownFor(entry);
    entry.older = own.newest;
    entry.newer = undefined;
    if (own.newest === undefined) own.oldest = entry;
    else own.newest.newer = entry;
    own.newest = entry;
    own.size += 1;
    this.#size += 1;
    entry.queue = this;
    entry.own = own;
  }

  #ownFor(entry: Entry): Own {
    if (entry.queueBefore === this && entry.ownBefore?.isForgotten === false) return entry.ownBefore;
    const owner = this.#ownerOf(entry);
    let own = this.#byOwner.get(owner);
    if (own === undefined) {
      own = { size: 0, isForgotten: false, oldest: undefined, newest: undefined };
      this.#byOwner.set(owner, own);
    }
    return own;
  }

  /** Removes an entry from its queue. The owner stays known for an entry that returns soon, until `forget`. */
  delete(entry: Entry): void {
    const { own, older, newer } = entry;
    if (own === undefined) return;
    if (older === undefined) own.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) own.newest = older;
    else newer.older = older;
    own.size -= 1;
    this.#size -= 1;
    entry.own = undefined;
  }

  /** Forgets an owner without connections here. */
  forget(entry: Entry): void {
    const owner = this.#ownerOf(entry);
    const own = this.#byOwner.get(owner);
    if (own?.size !== 0) return;
    own.isForgotten = true;
    this.#byOwner.delete(owner);
  }
}

/**
 * The connections of a listener, within limits. When one too many arrives, an old one is closed: the oldest unproven
 * one; else the longest idle of those without an authenticated caller; else the longest served of them; else the
 * longest idle authenticated one. Each time it is one of the address, or the caller, that has the most. So a peer that
 * only occupies connections loses them. An authenticated caller that is being served keeps its connection; then the new one
 * is closed.
 */
export class ConnectionTable {
  readonly limits: ConnectionLimits;
  readonly #unproven = new FairQueue(({ address }) => address);
  readonly #idle = new FairQueue(({ address }) => address);
  readonly #served = new FairQueue(({ address }) => address);
  readonly #knownIdle = new FairQueue(({ caller }) => caller ?? '');
  readonly #knownServed = new FairQueue(({ caller }) => caller ?? '');
  readonly #queues = [this.#unproven, this.#idle, this.#served, this.#knownIdle, this.#knownServed];
  /** By the peer's address and port, which the TLS and the plain socket of one connection share. */
  readonly #byPeer = new Map<string, Entry>();
  /** A cache of the lookup: each request needs it several times. */
  readonly #bySocket = new WeakMap<Duplex, Entry>();
  /** The last one that was looked up: a request begins and ends on the same connection. */
  #last: { readonly socket: Duplex; readonly entry: Entry } | undefined;
  /** Called for each connection that is closed to make room for another. */
  onEviction: (reason: EvictionReason, address: string) => void = () => undefined;

  constructor(limits: ConnectionLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.#byPeer.size;
  }

  opened(socket: Socket): void {
    const peer = peerOf(socket);
    const address = networkOf(socket.remoteAddress ?? '');
    // A peer that has already left needs no entry.
    if (peer === undefined || !this.#makeRoom(address)) {
      socket.destroy();
      return;
    }
    const entry: Entry = {
      peer,
      socket,
      address,
      caller: undefined,
      isProven: false,
      isGone: false,
      inWork: 0,
      queue: this.#unproven,
      own: undefined,
      queueBefore: undefined,
      ownBefore: undefined,
      older: undefined,
      newer: undefined,
    };
    this.#unproven.add(entry);
    this.#byPeer.set(peer, entry);
    socket.once('close', () => this.#forget(entry));
  }

  /** The head of a request is complete, and maybe the whole request. */
  began(socket: Duplex, isWhole: boolean): void {
    const entry = this.#entryOf(socket);
    if (entry === undefined) return;
    entry.inWork += 1;
    if (isWhole || !this.limits.needsWholeRequest) entry.isProven = true;
    this.#move(entry);
  }

  /** The body is complete too. */
  proved(socket: Duplex): void {
    const entry = this.#entryOf(socket);
    if (entry === undefined) return;
    entry.isProven = true;
    this.#move(entry);
  }

  /** A request has its response. */
  answered(socket: Duplex): void {
    const entry = this.#entryOf(socket);
    if (entry === undefined) return;
    entry.inWork -= 1;
    this.#move(entry);
  }

  /** Who sends requests over this connection; the first of several that share it. */
  authenticated(socket: Duplex, caller: string): void {
    const entry = this.#entryOf(socket);
    if (entry === undefined || entry.caller !== undefined || entry.isGone) return;
    if (this.#knownIdle.sizeOf(caller) + this.#knownServed.sizeOf(caller) >= this.#share()) {
      this.#close(this.#knownIdle.oldest(caller), 'caller_share');
    }
    // Removed from its queue before the owner changes.
    entry.queue.delete(entry);
    for (const queue of this.#queues) queue.forget(entry);
    entry.queueBefore = undefined;
    entry.caller = caller;
    entry.isProven = true;
    this.#queueOf(entry).add(entry);
  }

  /** Closes every connection, including those without a finished TLS handshake. */
  closeAll(): void {
    for (const { socket } of this.#byPeer.values()) socket.destroy();
  }

  /** Returns false if all others take precedence. */
  #makeRoom(address: string): boolean {
    const { connectionsMax, unprovenMax, hasManyPeers } = this.limits;
    const strangers = [this.#unproven, this.#idle, this.#served];
    if (hasManyPeers && this.#unproven.sizeOf(address) >= unprovenMax * SHARE_MAX) {
      this.#close(this.#unproven.oldest(address), 'peer_share');
    } else if (hasManyPeers && sum(strangers, address) >= this.#share()) {
      this.#close(firstOf(strangers, address), 'peer_share');
    } else if (this.#unproven.size >= unprovenMax) {
      this.#close(this.#unproven.oldest(), 'unproven_limit');
    }
    if (this.size < connectionsMax) return true;
    const hasRoom = this.#close(firstOf([...strangers, this.#knownIdle]), 'connection_limit');
    if (!hasRoom) this.onEviction('connection_limit', address);
    return hasRoom;
  }

  #share(): number {
    return this.limits.connectionsMax * SHARE_MAX;
  }

  #queueOf({ isProven, caller, inWork }: Entry): FairQueue {
    if (!isProven) return this.#unproven;
    if (caller !== undefined) return inWork > 0 ? this.#knownServed : this.#knownIdle;
    return inWork > 0 ? this.#served : this.#idle;
  }

  /** Moves an entry to the end of its proper queue. An unproven one stays where it is, however often it asks. */
  #move(entry: Entry): void {
    const queue = this.#queueOf(entry);
    if (entry.isGone || queue === this.#unproven) return;
    const { queue: queueBefore, own: ownBefore } = entry;
    queueBefore.delete(entry);
    queue.add(entry);
    entry.queueBefore = queueBefore;
    entry.ownBefore = ownBefore;
  }

  #close(entry: Entry | undefined, reason: EvictionReason): boolean {
    if (entry === undefined) return false;
    this.#forget(entry);
    entry.socket.destroy();
    this.onEviction(reason, entry.address);
    return true;
  }

  #entryOf(socket: Duplex): Entry | undefined {
    if (this.#last?.socket === socket) return this.#last.entry;
    const known = this.#bySocket.get(socket);
    const entry = known ?? this.#byPeer.get(peerOf(socket as Socket) ?? '');
    if (entry === undefined) return undefined;
    if (known === undefined) this.#bySocket.set(socket, entry);
    if (!entry.isGone) this.#last = { socket, entry };
    return entry;
  }

  #forget(entry: Entry): void {
    if (entry.isGone) return;
    entry.isGone = true;
    if (this.#last?.entry === entry) this.#last = undefined;
    // Another connection may come from the same address and port by now.
    if (this.#byPeer.get(entry.peer) === entry) this.#byPeer.delete(entry.peer);
    entry.queue.delete(entry);
    for (const queue of this.#queues) queue.forget(entry);
  }
}

function firstOf(queues: readonly FairQueue[], owner?: string): Entry | undefined {
  for (const queue of queues) {
    const entry = queue.oldest(owner);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function sum(queues: readonly FairQueue[], owner: string): number {
  return queues.reduce((total, queue) => total + queue.sizeOf(owner), 0);
}

/** Undefined if the peer has already left. */
function peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
