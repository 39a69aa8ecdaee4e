import { LRUCache } from 'lru-cache';

/**
 * A table with a maximum number of entries, which evicts the least recently used one. It grows as it fills: with `max`,
 * an `LRUCache` would allocate room for all entries at the start, most of which are never used.
 */
export class LruTable<Key extends {}, Value extends {}> extends LRUCache<Key, Value> {
  constructor(entriesMax: number, dispose?: (value: Value) => void) {
    super({ maxSize: entriesMax, sizeCalculation: () => 1, ...(dispose === undefined ? {} : { dispose }) });
  }
}
