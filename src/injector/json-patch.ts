/** One operation of RFC 6902. We only use `add`, so that no field that we do not know can be lost. */
export interface AddOperation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

export function add(path: readonly (string | number)[], value: unknown): AddOperation {
  return { op: 'add', path: pointer(path), value };
}

/**
 * Adds items to a list at an index, or creates the list. Adding a list where one exists would replace it;
 * adding an item where there is no list is an error.
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

/** Sets keys of an object, or creates the object. */
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
