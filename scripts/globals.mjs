// What the build puts in the place of these globals.
export { Buffer } from 'node:buffer';
export { performance } from 'node:perf_hooks';
