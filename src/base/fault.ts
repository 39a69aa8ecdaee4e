/** The first frames of an error's stack, without its message, which may quote what was being served. */
export function stackFrames(error: unknown): readonly string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 5)
    .map((line) => line.trim());
}

/** What may be logged of an internal error: its kind and its location. */
export function faultOf(error: unknown): { readonly fault: string; readonly where: readonly string[] } {
  return { fault: error instanceof Error ? error.name : typeof error, where: stackFrames(error) };
}
