import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Teardown } from './simulator.ts';

/** A folder of one test's own; the teardown takes it away. */
export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'wechat-sidecar-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
