import { LRUCache } from 'lru-cache';

/**
 * A table of at most so many entries: the one that was not used for the longest time makes room. It grows
 * as it fills. With `max`, an `LRUCache` allocates room for all entries at once, most of which never come.
 */
export class LruTable<Key extends {}, Value extends {}> extends LRUCache<Key, Value> {
  constructor(entriesMax: number, dispose?: (value: Value) => void) {
    super({ maxSize: entriesMax, sizeCalculation: () => 1, ...(dispose === undefined ? {} : { dispose }) });
  }
}
