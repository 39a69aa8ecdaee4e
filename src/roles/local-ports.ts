import { lstat, mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The admin ports of this user's processes on this machine: one empty file per port, named after it, in a
 * folder of the user's own. `shutdown`, `status` and `check` use them to find a process whose port was not
 * configured.
 */
export class LocalPorts {
  readonly #folder: string;
  readonly #userId: number | undefined;

  /** `userId` is set if the system has numeric user ids. */
  constructor(userId: number | undefined) {
    this.#folder = join(tmpdir(), `wechat-sidecar-${userId ?? 'user'}`);
    this.#userId = userId;
  }

  /** Returns whether it could be recorded, which is not possible if the temporary folder is read-only. */
  async add(port: number): Promise<boolean> {
    try {
      await mkdir(this.#folder, { mode: 0o700, recursive: true });
      if (!(await this.#isOurs())) return false;
      await writeFile(join(this.#folder, String(port)), '', { mode: 0o600 });
      return true;
    } catch {
      return false;
    }
  }

  async remove(port: number): Promise<void> {
    if (!(await this.#isOurs())) return;
    await rm(join(this.#folder, String(port)), { force: true });
    // Fails if other files are in it or another process is about to write; both are fine.
    await rmdir(this.#folder).catch(() => undefined);
  }

  /** May include ports of processes that were killed. */
  async list(): Promise<readonly number[]> {
    if (!(await this.#isOurs())) return [];
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => /^[1-9]\d{0,4}$/.test(name)).map(Number);
  }

  /** Other users can write to the temporary folder too. */
  async #isOurs(): Promise<boolean> {
    const stats = await lstat(this.#folder).catch(() => undefined);
    return (
      stats?.isDirectory() === true &&
      (this.#userId === undefined || (stats.uid === this.#userId && (stats.mode & 0o022) === 0))
    );
  }
}
