import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Whom to attack, and with what; it goes to the attacking program as JSON. */
export interface AttackPlan {
  readonly forMs: number;
  readonly port: number;
  readonly adminPort: number;
  /** TLS where given. */
  readonly caFile?: string;
  /** A listener with TLS beside the other one. */
  readonly tls?: { readonly port: number; readonly caFile: string };
  readonly appid?: string;
  /** A good key of a greedy caller. */
  readonly key?: string;
  /** Claims of a service account that is allowed, for tokens that nobody signed. */
  readonly claims?: { readonly sub: string; readonly aud: string; readonly expUnixS: number };
  readonly attacks: readonly string[];
  /** Where the attacks come from, in turn. */
  readonly addresses: readonly string[];
}

/** An attack that loses fewer connections has not reached the limits. */
const TAKEN_MIN = 1_000;
/**
 * New connections in a tenth of a second, of all attacks together. Node may accept a few in each turn of the event loop;
 * with more than that the queue of the system fills, whose newcomers no limit of ours can tell apart.
 */
const OPENED_MAX = 25;
const WINDOW_MS = 100;

export class Attacker {
  readonly plan: AttackPlan;
  readonly #ca: string | undefined;
  readonly #tls: { readonly port: number; readonly ca: string } | undefined;
  readonly #endsMs: number;
  #opened = 0;
  #window = { endsMs: 0, opened: 0 };
  /** Connections that the target closed while we held them. */
  #taken = 0;

  constructor(plan: AttackPlan) {
    this.plan = plan;
    this.#ca = plan.caFile === undefined ? undefined : readFileSync(plan.caFile, 'utf8');
    this.#tls = plan.tls && { port: plan.tls.port, ca: readFileSync(plan.tls.caFile, 'utf8') };
    this.#endsMs = performance.now() + plan.forMs;
  }

  /** On a busy machine it takes longer until enough has been done. */
  isOver(): boolean {
    const { forMs } = this.plan;
    const leftMs = this.#endsMs - performance.now();
    return leftMs < -2 * forMs || (leftMs < 0 && this.#taken >= TAKEN_MIN);
  }

  /** Whether another connection may be opened now. */
  #mayOpen(): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#window.endsMs) this.#window = { endsMs: nowMs + WINDOW_MS, opened: 0 };
    if (this.#window.opened >= OPENED_MAX) return false;
    this.#window.opened += 1;
    return true;
  }

  #where(port: number): { host: string; port: number; localAddress: string } {
    this.#opened += 1;
    const { addresses } = this.plan;
    return { host: '127.0.0.1', port, localAddress: addresses[this.#opened % addresses.length] ?? '' };
  }

  tcp(port = this.plan.port): Socket {
    const socket = connectTcp(this.#where(port));
    socket.on('error', () => undefined);
    return socket;
  }

  /** A connection over which a request can be sent, with TLS if the listener wants it. */
  open(port = this.plan.port): Socket {
    if (this.#ca === undefined || port === this.plan.adminPort) return this.tcp(port);
    return this.#withTls(port, this.#ca);
  }

  /** A connection to the listener with TLS beside the other one: not even begun, or finished. */
  beside(isFinished: boolean): Socket {
    const { port = 0, ca = '' } = this.#tls ?? {};
    return isFinished ? this.#withTls(port, ca) : this.tcp(port);
  }

  #withTls(port: number, ca: string): Socket {
    const socket = connectTls({ ...this.#where(port), ca, checkServerIdentity: () => undefined });
    socket.on('error', () => undefined);
    return socket;
  }

  /** Keeps so many connections open, at most `atOnce` new ones each tenth of a second. */
  async hold(count: number, atOnce: number, open: () => Socket): Promise<void> {
    const held = new Set<Socket>();
    while (!this.isOver()) {
      for (let n = 0; n < atOnce && held.size < count && this.#mayOpen(); n += 1) {
        const socket = open();
        held.add(socket);
        socket.once('close', () => {
          this.#taken += 1;
          held.delete(socket);
        });
      }
      // No attack is always the first to take what may be opened.
      await pause(WINDOW_MS * (0.5 + Math.random()));
    }
  }

  /** Sends a request on a new connection, again and again, from so many callers; answers are read. */
  async repeat(callers: number, pauseMs: number, requestOf: (n: number) => string | Buffer): Promise<void> {
    const one = async (caller: number): Promise<void> => {
      for (let n = caller; !this.isOver(); n += callers) {
        while (!this.#mayOpen()) await pause(WINDOW_MS * (0.5 + Math.random()));
        const socket = this.open();
        socket.resume();
        const closed = new Promise((resolve) => socket.once('close', resolve));
        socket.end(requestOf(n));
        await Promise.race([closed, pause(5_000)]);
        socket.destroy();
        await pause(pauseMs);
      }
    };
    await Promise.all(Array.from({ length: callers }, (_, caller) => one(caller)));
  }
}

type Attack = (attacker: Attacker) => Promise<void>;

const HALF_HEAD = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: `;

/** As many headers as fit: each of them takes memory of its own. */
const TINY_HEADERS = Array.from({ length: 2_500 }, (_, n) => `${n.toString(36)}:\r\n`).join('');

/** The beginning of a TLS record that announces more than comes. */
const HALF_HELLO = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);

/** Against every listener. */
export const CONNECTION_ATTACKS: Readonly<Record<string, Attack>> = {
  silent: (attacker) => attacker.hold(2_000, 30, () => attacker.tcp().resume()),
  halfHeads: (attacker) =>
    attacker.hold(1_500, 10, () => sending(attacker.open().resume(), HALF_HEAD + 'y'.repeat(30_000))),
  tinyHeaders: (attacker) =>
    attacker.hold(1_500, 10, () => sending(attacker.open().resume(), `GET / HTTP/1.1\r\n${TINY_HEADERS}`)),
  slowBytes: (attacker) => attacker.hold(100, 20, () => dripping(attacker.open().resume(), attacker)),
  bigHeads: (attacker) =>
    attacker.repeat(4, 50, () => `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'y'.repeat(100_000)}\r\n\r\n`),
  halfHellos: (attacker) => attacker.hold(500, 10, () => sending(attacker.tcp().resume(), HALF_HELLO)),
  pipelines: (attacker) =>
    attacker.repeat(2, 50, () => 'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(500)),
  adminSilent: (attacker) => attacker.hold(500, 10, () => attacker.tcp(attacker.plan.adminPort).resume()),
  adminHalfHeads: (attacker) =>
    attacker.hold(300, 20, () =>
      sending(attacker.tcp(attacker.plan.adminPort).resume(), HALF_HEAD + 'y'.repeat(15_000)),
    ),
  adminPages: async (attacker) => {
    const page = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    // Some take the answers, and some do not.
    const unread = attacker.hold(100, 10, () =>
      sending(attacker.tcp(attacker.plan.adminPort).pause(), page('/metrics').repeat(8)),
    );
    const read = attacker.hold(20, 4, () =>
      sending(attacker.tcp(attacker.plan.adminPort).resume(), page('/status').repeat(4), true),
    );
    await Promise.all([unread, read]);
  },
};

/** Against the hub. */
export const HUB_ATTACKS: Readonly<Record<string, Attack>> = {
  junkKeys: (attacker) =>
    attacker.repeat(8, 20, (n) => get('/v1/apps', `Bearer junk-key-${n}-${'x'.repeat(1_000)}`)),
  junkTokens: (attacker) => {
    const { appid, claims } = attacker.plan;
    const token = (n: number): string => jwtOf({ ...claims, salt: `${process.pid} ${n}` });
    // Some five hundred a second, of which each connection carries a few.
    return attacker.hold(60, 6, () => {
      const socket = attacker.open().resume();
      for (let n = 0; n < 8; n += 1) {
        socket.write(get(`/v1/apps/${appid}/token`, `Bearer ${token(Math.random())}`, true));
      }
      setTimeout(() => socket.destroy(), 1_000);
      return socket;
    });
  },
  halfBodies: (attacker) =>
    attacker.hold(500, 20, () =>
      sending(
        attacker.open().resume(),
        `POST /cgi-bin/stable_token HTTP/1.1\r\nHost: hub\r\nContent-Length: 4000\r\n\r\n{"appid":`,
      ),
    ),
  strangers: (attacker) =>
    attacker.hold(2_000, 20, () => sending(attacker.open().resume(), get('/', '', true))),
  relays: (attacker) => {
    const { appid, key } = attacker.plan;
    const body = JSON.stringify({ method: 'GET', path: '/sns/jscode2session', query: 'js_code=hang' });
    return attacker.hold(600, 20, () =>
      sending(attacker.open().resume(), post(`/v1/apps/${appid}/relay`, `Bearer ${key}`, body, true)),
    );
  },
  watchers: (attacker) =>
    attacker.hold(1_000, 20, () =>
      sending(attacker.open().pause(), get('/v1/tokens/watch', `Bearer ${attacker.plan.key}`, true)),
    ),
  unreadPages: (attacker) =>
    attacker.hold(200, 10, () => sending(attacker.open().pause(), get('/page/page.css', '', true).repeat(8))),
};

/** Against the sidecar, by a program beside it. */
export const PROXY_ATTACKS: Readonly<Record<string, Attack>> = {
  uploads: (attacker) => {
    const bytes = 10 * 1024 * 1024;
    const head = `POST /cgi-bin/media/upload?type=image HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`;
    // More than fits into the memory for replays, and none of it comes to its end.
    return attacker.hold(12, 4, () =>
      sending(attacker.open().resume(), Buffer.concat([Buffer.from(head), Buffer.alloc(bytes - 1)])),
    );
  },
  downloads: (attacker) =>
    attacker.hold(100, 20, () =>
      sending(attacker.open().pause(), get('/cgi-bin/media/get?media_id=large', '', true)),
    ),
  tlsSilent: (attacker) => attacker.hold(500, 10, () => attacker.beside(false).resume()),
  tlsHalfHellos: (attacker) =>
    attacker.hold(300, 10, () => sending(attacker.beside(false).resume(), HALF_HELLO)),
  tlsHalfHeads: (attacker) =>
    attacker.hold(300, 5, () => sending(attacker.beside(true).resume(), HALF_HEAD + 'y'.repeat(30_000))),
  hanging: (attacker) =>
    attacker.hold(300, 20, () =>
      sending(attacker.open().resume(), get('/cgi-bin/user/info?openid=hang', '', true)),
    ),
};

function sending(socket: Socket, bytes: string | Buffer, ends = false): Socket {
  if (ends) socket.end(bytes);
  else socket.write(bytes);
  return socket;
}

function dripping(socket: Socket, attacker: Attacker): Socket {
  socket.write('GET / HTTP/1.1\r\n');
  const drip = setInterval(() => (attacker.isOver() ? clearInterval(drip) : socket.write('x')), 500);
  socket.once('close', () => clearInterval(drip));
  return socket;
}

function get(path: string, authorization: string, keeps = false): string {
  const credential = authorization === '' ? '' : `Authorization: ${authorization}\r\n`;
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${credential}${keeps ? '' : 'Connection: close\r\n'}\r\n`;
}

function post(path: string, authorization: string, body: string, keeps = false): string {
  const head = get(path, authorization, keeps).replace(/^GET/, 'POST').slice(0, -2);
  return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function jwtOf(claims: object): string {
  const { expUnixS, ...rest } = claims as { expUnixS: number; salt: string };
  const signature = createHash('sha256').update(rest.salt).digest('base64url');
  return [
    { alg: 'RS256', kid: 'k' },
    { ...rest, exp: expUnixS },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(signature)
    .join('.');
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
