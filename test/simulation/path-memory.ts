import type { Machine } from './machine.ts';
import type { Sending } from './simulated-call.ts';

/**
 * What each sidecar knows of a path and a token. A path that refused the token while it lived, and has
 * not worked since, does not tell that the token has died: nobody can see the difference.
 */
export class PathMemory {
  readonly #known = new Map<Machine, Map<string, { refusedMs: number; works: boolean }>>();
  readonly #refused = new Set<string>();

  succeeded(machine: Machine, path: string, { fingerprint, sentMs }: Sending): void {
    const known = this.#of(machine);
    const key = `${fingerprint} ${path}`;
    const before = known.get(key);
    if (before === undefined || sentMs > before.refusedMs) {
      known.set(key, { refusedMs: before?.refusedMs ?? -Infinity, works: true });
    }
  }

  refused(machine: Machine, path: string, { fingerprint, answeredMs = 0 }: Sending): void {
    this.#of(machine).set(`${fingerprint} ${path}`, { refusedMs: answeredMs, works: false });
    this.#refused.add(`${fingerprint} ${path}`);
  }

  isFresh(path: string, fingerprint: string): boolean {
    return !this.#refused.has(`${fingerprint} ${path}`);
  }

  isTelling(machine: Machine, path: string, fingerprint: string): boolean {
    const known = this.#of(machine).get(`${fingerprint} ${path}`);
    // A success before the first refusal tells the keeper nothing: every sidecar would have one to tell of.
    const hasBothSeen = known !== undefined && known.refusedMs > -Infinity;
    return hasBothSeen ? known.works : this.isFresh(path, fingerprint);
  }

  #of(machine: Machine): Map<string, { refusedMs: number; works: boolean }> {
    const known = this.#known.get(machine) ?? new Map<string, { refusedMs: number; works: boolean }>();
    this.#known.set(machine, known);
    return known;
  }
}
