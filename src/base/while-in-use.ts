/** Creates a value on first use and holds it weakly: once it has been garbage-collected, the next use creates it again. */
export function whileInUse<T extends WeakKey>(make: () => T): () => T {
  let kept: WeakRef<T> | undefined;
  return () => {
    const known = kept?.deref();
    if (known !== undefined) return known;
    const made = make();
    kept = new WeakRef(made);
    return made;
  };
}
