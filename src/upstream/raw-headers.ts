/** All values of a header in a flat list of names and values; `name` in lower case. */
export function headerValues(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (isNamed(raw[at] as string, name)) values.push(raw[at + 1] as string);
  }
  return values;
}

export function isNamed(name: string, lowerCase: string): boolean {
  return name.length === lowerCase.length && name.toLowerCase() === lowerCase;
}
