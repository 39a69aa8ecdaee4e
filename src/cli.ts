#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { systemClock } from './base/clock.ts';
import { FLUSH_MS_MAX, openOutput } from './cli/output.ts';
import { run } from './cli/run.ts';

/** Two signals closer together than this are one key press. */
const SAME_PRESS_MS = 250;

const output = openOutput(1);
const errors = openOutput(2);

// The reader of our output may go away; that is no reason to exit.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  version: ownVersion(),
  nodeVersion: process.version,
  userId: process.getuid?.(),
  memoryLimitBytes: process.constrainedMemory(),
  out: (text) => output.write(text),
  err: (text) => errors.write(text),
  onRejection: (act) => void process.on('unhandledRejection', act),
  onSignal(kind, act) {
    if (kind === 'reload') {
      process.on('SIGHUP', act);
      return;
    }
    process.once('SIGTERM', act);
    process.once('SIGINT', () => {
      const firstMs = systemClock.monotonicMs();
      // A second Ctrl-C means: do not wait for calls in flight. One that follows at once is the same key press: npm
      // repeats to its child what the terminal sent to both.
      process.on('SIGINT', () => {
        if (systemClock.monotonicMs() - firstMs > SAME_PRESS_MS) process.exit(1);
      });
      act();
    });
    // A kubelet may repeat SIGTERM; that changes nothing.
    process.on('SIGTERM', () => {});
  },
});
// Open handles (a keep-alive connection, a file watch) must not keep the process alive.
systemClock.after(FLUSH_MS_MAX, () => process.exit(exitCode));
await Promise.all([output.flushed(), errors.flushed()]);
process.exit(exitCode);

/** From the nearest package.json above this file. */
function ownVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    try {
      const text = readFileSync(new URL('package.json', folder), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch (error) {
      if (folder.pathname === '/') throw new Error('Cannot find my own package.json', { cause: error });
    }
  }
}
