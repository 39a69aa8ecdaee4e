import { seededRandom, type Random } from '../../src/base/random.ts';

/**
 * The one source of chance, in streams: each part of the world draws from a stream of its own, so that
 * an event more or less here changes as little as possible there.
 */
export class Chance {
  readonly #random: Random;

  constructor(seed: number, stream: string) {
    this.#random = seededRandom(hash(stream, seed));
  }

  get random(): Random {
    return this.#random;
  }

  between(min: number, max: number): number {
    return min + this.#random() * (max - min);
  }

  whole(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  /** Small values are as likely as large ones. */
  spread(min: number, max: number): number {
    return min * (max / min) ** this.#random();
  }

  happens(share: number): boolean {
    return this.#random() < share;
  }

  one<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random() * values.length)] as Value;
  }

  /** One of the keys, each as likely as its weight says. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries(weights) as [Key, number][];
    let left = this.#random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return (entries.at(-1) as [Key, number])[0];
  }
}

/** FNV-1a. */
export function hash(text: string, seed = 0): number {
  let value = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  // The last characters shall change the first bits too.
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d) >>> 0;
  return (value ^ (value >>> 13)) >>> 0;
}
