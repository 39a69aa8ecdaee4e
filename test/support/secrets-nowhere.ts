import { DEMO_APP } from '../../src/simulator/accounts.ts';

/** How every token of the simulator begins, of whatever kind; see `tokenText` there. */
const SIMULATOR_TOKEN = /92_[\w-]{16,}/g;

/**
 * The tokens and secrets that stand in a text, each cut short. `secrets` are those that the demo
 * account's own does not cover.
 */
export function secretsIn(text: string, secrets: readonly string[] = []): string[] {
  const told = [DEMO_APP.secret, ...secrets].filter((secret) => text.includes(secret));
  return [...told, ...(text.match(SIMULATOR_TOKEN) ?? [])].map((secret) => `${secret.slice(0, 8)}…`);
}
