/**
 * The same Latin-1 text as a string of its own. What is cut out of a text keeps all of it in memory, and is slower to
 * compare; what is kept for longer than a call must not keep the call.
 */
export function ownString(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
