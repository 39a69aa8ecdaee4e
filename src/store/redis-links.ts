import type { Cluster, Redis } from 'ioredis';
import type { Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { RedisTarget } from './redis-client.ts';
import { type LinkListener, RedisLink, type RedisLinkParts } from './redis-link.ts';

export interface RedisLinksParts extends RedisLinkParts {
  /** The key that is written to test new settings. */
  readonly trialKey: string;
  /** Registers a handler for the process's unhandled rejections. */
  readonly onRejection?: ((act: (error: unknown) => void) => void) | undefined;
}

/** Refused new settings are retried after this: Redis may be given the new password later. */
const TRIAL_MS = 5_000;
/** The old connections are closed after this, when every command on them has completed or timed out. */
const PARTING_MS = 2_000;
const TRIAL = `return redis.call('SET', KEYS[1], '1', 'PX', '1000')`;

/**
 * The link to the configured Redis and, while the settings change, a second one: the new settings take
 * effect once they can run a script that writes a key. Until then the old ones stay in effect.
 */
export class RedisLinks {
  readonly #parts: RedisLinksParts;
  readonly #listener: LinkListener;
  #current: { readonly target: RedisTarget; readonly link: RedisLink };
  #next: { readonly target: RedisTarget; readonly link: RedisLink } | undefined;
  #trial: Timer | undefined;
  readonly #parting = new Map<RedisLink, Timer>();

  constructor(parts: RedisLinksParts, listener: LinkListener) {
    this.#parts = parts;
    this.#listener = listener;
    this.#current = { target: parts.target, link: this.#open(parts.target) };
    parts.onRejection?.((error) => (this.#next ?? this.#current).link.stray(error));
  }

  /** Returns the result of `work`, or undefined if Redis does not respond: see `RedisLink`. */
  run<Answer>(
    account: string,
    work: (redis: Redis | Cluster) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    return this.#current.link.run(account, work);
  }

  /** Applies new settings as soon as they work. */
  use(target: RedisTarget): void {
    if (isSame(target, (this.#next ?? this.#current).target)) return;
    this.#trial?.cancel();
    void this.#next?.link.close();
    this.#next = isSame(target, this.#current.target) ? undefined : { target, link: this.#open(target) };
  }

  async close(): Promise<void> {
    this.#trial?.cancel();
    for (const timer of this.#parting.values()) timer.cancel();
    const links = [this.#current.link, this.#next?.link, ...this.#parting.keys()];
    await Promise.all(links.map((link) => link?.close() ?? Promise.resolve()));
  }

  #open(target: RedisTarget): RedisLink {
    const role = (): LinkRole => {
      if (link === this.#current.link) return 'in force';
      return link === this.#next?.link ? 'tried' : 'left';
    };
    const link: RedisLink = new RedisLink(
      { ...this.#parts, target, log: logOf(this.#parts.log, role) },
      {
        connected: () => {
          if (link === this.#current.link) this.#listener.connected();
          else void this.#try(link);
        },
        disconnected: () => {
          if (link === this.#current.link) this.#listener.disconnected();
        },
        message: (text) => {
          if (link === this.#current.link) this.#listener.message(text);
        },
      },
    );
    return link;
  }

  async #try(link: RedisLink): Promise<void> {
    if (this.#next?.link !== link) return;
    const { clock, log, trialKey } = this.#parts;
    this.#trial?.cancel();
    const done = await link.run('', (redis) => redis.eval(TRIAL, 1, trialKey));
    if (this.#next?.link !== link) return;
    if (done === undefined) {
      this.#trial?.cancel();
      this.#trial = clock.after(TRIAL_MS, () => void this.#try(link));
      return;
    }
    const old = this.#current.link;
    this.#current = this.#next;
    this.#next = undefined;
    log.info('token store settings applied');
    // That store may be older or empty: tokens are published again, and leases start over.
    this.#listener.disconnected();
    this.#listener.connected();
    const parting = clock.after(PARTING_MS, () => {
      this.#parting.delete(old);
      void old.close();
    });
    this.#parting.set(old, parting);
  }
}

function isSame(one: RedisTarget, other: RedisTarget): boolean {
  const textOf = ({ url, sentinels, cluster }: RedisTarget): string =>
    JSON.stringify([url.reveal(), sentinels.map(({ host, port }) => `${host}:${port}`), cluster]);
  return textOf(one) === textOf(other);
}

const REFUSED = 'new token store settings rejected; the old ones stay in force';

type LinkRole = 'in force' | 'tried' | 'left';

/** For a link under test, logs only why it cannot be used, not when its Redis connects and disconnects. */
function logOf(log: Log, role: () => LinkRole): Log {
  const at = (level: 'info' | 'warn' | 'error'): Log['info'] => {
    return (event, fields) => {
      if (role() === 'in force') log[level](event, fields);
      else if (role() === 'tried' && level !== 'info') log.error(REFUSED, fields);
    };
  };
  return {
    debug: (event, fields) => log.debug(event, fields),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}
