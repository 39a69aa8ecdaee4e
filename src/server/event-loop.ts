import { performance } from 'node:perf_hooks';

/** Readings closer together than this return the same value, so that two scrapers do not disturb each other. */
const INTERVAL_MS_MIN = 1_000;

/**
 * The fraction of the time since the last reading in which the event loop was busy, from 0 to 1. Node counts it anyway,
 * so it costs nothing until it is read.
 */
export function eventLoopUtilization(
  read: () => { readonly idle: number; readonly active: number } = () => performance.eventLoopUtilization(),
): () => number {
  let last = { idle: 0, active: 0 };
  let utilization = 0;
  return () => {
    const now = read();
    const idleMs = now.idle - last.idle;
    const activeMs = now.active - last.active;
    if (idleMs + activeMs < INTERVAL_MS_MIN) return utilization;
    last = now;
    utilization = activeMs / (idleMs + activeMs);
    return utilization;
  };
}
