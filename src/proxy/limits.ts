import { LISTENER_LIMITS, type ListenerLimits } from '../server/listen.ts';

/** The business port, whose only peer is the machine itself. */
export const PROXY_LIMITS: ListenerLimits = { ...LISTENER_LIMITS, hasManyPeers: false, bodyPauseMs: 60_000 };

/** A TLS connection takes about 100 KiB. */
export const TRANSPARENT_LIMITS: ListenerLimits = { ...PROXY_LIMITS, connectionsMax: 512, unprovenMax: 128 };

/** The limits of a sidecar listener, from its settings. */
export function proxyLimits(
  limits: ListenerLimits,
  { inFlightMax, bodyPauseMs }: { inFlightMax: number; bodyPauseMs: number },
): ListenerLimits {
  // More calls in flight need more connections: half of them may be idle.
  const connectionsMax = Math.max(limits.connectionsMax, 2 * inFlightMax);
  return { ...limits, connectionsMax, bodyPauseMs };
}
