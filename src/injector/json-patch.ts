/** One step of RFC 6902. We only ever add, so that nothing we do not know of can be lost. */
export interface AddOperation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

export function add(path: readonly (string | number)[], value: unknown): AddOperation {
  return { op: 'add', path: pointer(path), value };
}

/**
 * Adds items to a list at an index, or makes the list. To add a list where one stands would replace it;
 * to add an item where no list stands is an error.
 */
export function insert(
  path: readonly (string | number)[],
  list: unknown,
  index: number | 'end',
  items: readonly unknown[],
): AddOperation[] {
  if (items.length === 0) return [];
  if (!Array.isArray(list)) return [add(path, items)];
  return items.map((item, offset) => add([...path, index === 'end' ? '-' : index + offset], item));
}

/** Sets names of a mapping, or makes the mapping. */
export function assign(
  path: readonly (string | number)[],
  mapping: unknown,
  entries: Readonly<Record<string, unknown>>,
): AddOperation[] {
  const names = Object.keys(entries);
  if (names.length === 0) return [];
  if (typeof mapping !== 'object' || mapping === null) return [add(path, entries)];
  return names.map((name) => add([...path, name], entries[name]));
}

/** RFC 6901. */
function pointer(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
