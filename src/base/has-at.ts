/** Whether `bytes` have `part` at `at`. For the few hundred bytes of a usual head: a loop needs no call out of compiled code. */
export function hasAt(bytes: Buffer, at: number, part: Buffer): boolean {
  if (bytes.length < at + part.length) return false;
  for (let each = 0; each < part.length; each++) if (bytes[at + each] !== part[each]) return false;
  return true;
}
