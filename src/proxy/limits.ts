import { LISTENER_LIMITS, type ListenerLimits } from '../server/listen.ts';

/** The business port, whose one peer is the machine itself. */
export const PROXY_LIMITS: ListenerLimits = { ...LISTENER_LIMITS, hasManyPeers: false, bodyPauseMs: 60_000 };

/** With TLS a connection takes some 100 KiB. */
export const TRANSPARENT_LIMITS: ListenerLimits = { ...PROXY_LIMITS, connectionsMax: 512, unprovenMax: 128 };

/** How a listener of the sidecar is bounded by its settings. */
export function proxyLimits(
  limits: ListenerLimits,
  { inFlightMax, bodyPauseMs }: { inFlightMax: number; bodyPauseMs: number },
): ListenerLimits {
  // Where more calls may be in flight there are more connections too: half of them may be idle.
  const connectionsMax = Math.max(limits.connectionsMax, 2 * inFlightMax);
  return { ...limits, connectionsMax, bodyPauseMs };
}
