/** Made when it is first used, and made anew once nothing refers to it and the garbage collector has taken it. */
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
