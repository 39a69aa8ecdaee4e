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
export type GiveWayReason = (typeof GIVE_WAY_REASONS)[number];

/** The largest share of a table for one address, or one caller. */
const SHARE_MAX = 0.5;

interface Place {
  /** The peer's address and port. */
  readonly peer: string;
  readonly socket: Socket;
  readonly address: string;
  /** Set once it is authenticated. */
  caller: string | undefined;
  isProven: boolean;
  /** Requests whose responses are not sent yet. */
  inWork: number;
  line: Line;
  /** Its neighbors in the line, with the same owner. */
  older: Place | undefined;
  newer: Place | undefined;
}

/** The places of one owner in a line. */
interface Own {
  size: number;
  oldest: Place | undefined;
  newest: Place | undefined;
}

/**
 * The places of each owner, in order of arrival. Each request moves a place twice, so they form a linked list: a Set
 * with an insertion and a deletion per request is costly for the garbage collector.
 */
class Line {
  readonly #byOwner = new Map<string, Own>();
  #size = 0;
  readonly #ownerOf: (place: Place) => string;

  constructor(ownerOf: (place: Place) => string) {
    this.#ownerOf = ownerOf;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(owner: string): number {
    return this.#byOwner.get(owner)?.size ?? 0;
  }

  /** The oldest of this owner, else of the owner with the most places (the earlier one, if tied). */
  oldest(owner?: string): Place | undefined {
    return (owner === undefined ? this.#greediest() : this.#byOwner.get(owner))?.oldest;
  }

  #greediest(): Own | undefined {
    let most: Own | undefined;
    for (const own of this.#byOwner.values()) if (own.size > (most?.size ?? 0)) most = own;
    return most;
  }

  add(place: Place): void {
    const owner = this.#ownerOf(place);
    let own = this.#byOwner.get(owner);
    if (own === undefined) {
      own = { size: 0, oldest: undefined, newest: undefined };
      this.#byOwner.set(owner, own);
    }
    place.older = own.newest;
    place.newer = undefined;
    if (own.newest === undefined) own.oldest = place;
    else own.newest.newer = place;
    own.newest = place;
    own.size += 1;
    this.#size += 1;
    place.line = this;
  }

  /** Removes a place from its line. The owner stays known for a place that returns soon, until `forget`. */
  delete(place: Place): void {
    const own = this.#byOwner.get(this.#ownerOf(place));
    if (own === undefined) return;
    const { older, newer } = place;
    if (older === undefined) own.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) own.newest = older;
    else newer.older = older;
    own.size -= 1;
    this.#size -= 1;
  }

  /** Forgets an owner without places here. */
  forget(place: Place): void {
    const owner = this.#ownerOf(place);
    if (this.#byOwner.get(owner)?.size === 0) this.#byOwner.delete(owner);
  }
}

/**
 * The connections of a listener, within limits. When one too many arrives, an old one is closed: the oldest unproven
 * one; else the longest idle of those without an authenticated caller; else the longest served of them; else the
 * longest idle authenticated one. Each time it is one of the address, or the caller, that has the most. So a peer that
 * only occupies places loses them. An authenticated caller that is being served keeps its connection; then the new one
 * is closed.
 */
export class ConnectionTable {
  readonly limits: ConnectionLimits;
  readonly #unproven = new Line(({ address }) => address);
  readonly #idle = new Line(({ address }) => address);
  readonly #served = new Line(({ address }) => address);
  readonly #knownIdle = new Line(({ caller }) => caller ?? '');
  readonly #knownServed = new Line(({ caller }) => caller ?? '');
  readonly #lines = [this.#unproven, this.#idle, this.#served, this.#knownIdle, this.#knownServed];
  /** By the peer's address and port, which the TLS and the plain socket of one connection share. */
  readonly #byPeer = new Map<string, Place>();
  /** A cache of the lookup: each request needs it several times. */
  readonly #bySocket = new WeakMap<Duplex, Place>();
  /** Called for each connection that is closed to make room for another. */
  onGiveWay: (reason: GiveWayReason, address: string) => void = () => undefined;

  constructor(limits: ConnectionLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.#byPeer.size;
  }

  opened(socket: Socket): void {
    const peer = peerOf(socket);
    const address = networkOf(socket.remoteAddress ?? '');
    // A peer that has already left needs no place.
    if (peer === undefined || !this.#makeRoom(address)) {
      socket.destroy();
      return;
    }
    const place: Place = {
      peer,
      socket,
      address,
      caller: undefined,
      isProven: false,
      inWork: 0,
      line: this.#unproven,
      older: undefined,
      newer: undefined,
    };
    this.#unproven.add(place);
    this.#byPeer.set(peer, place);
    socket.once('close', () => this.#forget(place));
  }

  /** The head of a request is complete, and maybe the whole request. */
  began(socket: Duplex, isWhole: boolean): void {
    const place = this.#placeOf(socket);
    if (place === undefined) return;
    place.inWork += 1;
    if (isWhole || !this.limits.needsWholeRequest) place.isProven = true;
    this.#move(place);
  }

  /** The body is complete too. */
  proved(socket: Duplex): void {
    const place = this.#placeOf(socket);
    if (place === undefined) return;
    place.isProven = true;
    this.#move(place);
  }

  /** A request has its response. */
  answered(socket: Duplex): void {
    const place = this.#placeOf(socket);
    if (place === undefined) return;
    place.inWork -= 1;
    this.#move(place);
  }

  /** Who sends requests over this connection; the first of several that share it. */
  authenticated(socket: Duplex, caller: string): void {
    const place = this.#placeOf(socket);
    if (place === undefined || place.caller !== undefined || this.#byPeer.get(place.peer) !== place) return;
    if (this.#knownIdle.sizeOf(caller) + this.#knownServed.sizeOf(caller) >= this.#share()) {
      this.#close(this.#knownIdle.oldest(caller), 'caller_share');
    }
    // Removed from its line before the owner changes.
    place.line.delete(place);
    for (const line of this.#lines) line.forget(place);
    place.caller = caller;
    place.isProven = true;
    this.#lineOf(place).add(place);
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
    if (!hasRoom) this.onGiveWay('connection_limit', address);
    return hasRoom;
  }

  #share(): number {
    return this.limits.connectionsMax * SHARE_MAX;
  }

  #lineOf({ isProven, caller, inWork }: Place): Line {
    if (!isProven) return this.#unproven;
    if (caller !== undefined) return inWork > 0 ? this.#knownServed : this.#knownIdle;
    return inWork > 0 ? this.#served : this.#idle;
  }

  /** Moves a place to the end of its proper line. An unproven one stays where it is, however often it asks. */
  #move(place: Place): void {
    const line = this.#lineOf(place);
    if (this.#byPeer.get(place.peer) !== place || line === this.#unproven) return;
    place.line.delete(place);
    line.add(place);
  }

  #close(place: Place | undefined, reason: GiveWayReason): boolean {
    if (place === undefined) return false;
    this.#forget(place);
    place.socket.destroy();
    this.onGiveWay(reason, place.address);
    return true;
  }

  #placeOf(socket: Duplex): Place | undefined {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const place = this.#byPeer.get(peerOf(socket as Socket) ?? '');
    if (place !== undefined) this.#bySocket.set(socket, place);
    return place;
  }

  /** Another connection may come from the same address and port by now. */
  #forget(place: Place): void {
    if (this.#byPeer.get(place.peer) !== place) return;
    this.#byPeer.delete(place.peer);
    place.line.delete(place);
    for (const line of this.#lines) line.forget(place);
  }
}

function firstOf(lines: readonly Line[], owner?: string): Place | undefined {
  for (const line of lines) {
    const place = line.oldest(owner);
    if (place !== undefined) return place;
  }
  return undefined;
}

function sum(lines: readonly Line[], owner: string): number {
  return lines.reduce((total, line) => total + line.sizeOf(owner), 0);
}

/** Undefined if the peer has already left. */
function peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
