import { setFlagsFromString } from 'node:v8';

/** In bytes of bytecode: a function that is inlined, and all that are inlined into one. V8's own are 460, 920 and 4,600. */
const LIMITS = [
  '--max-inlined-bytecode-size=2000',
  '--max-inlined-bytecode-size-cumulative=10000',
  '--max-inlined-bytecode-size-absolute=10000',
];

/**
 * Lets V8 compile what a call runs through into fewer, larger functions. At some hundred calls a second each call finds the
 * processor's caches empty, and pays for each function which it enters. Costs some 12 MiB under load; bench/README.md has figures.
 *
 * For a process that is up: with other limits than its own, V8 refuses the compiled code that Node brings, so that a module of
 * Node that is loaded later takes some milliseconds more.
 */
export function inlineMore(): void {
  for (const limit of LIMITS) setFlagsFromString(limit);
}
