import { LISTENER_LIMITS, type ListenerLimits } from '../server/listen.ts';

/** The business port, whose one peer is the machine itself. */
export const PROXY_LIMITS: ListenerLimits = { ...LISTENER_LIMITS, hasManyPeers: false };

/** With TLS a connection takes some 100 KiB. */
export const TRANSPARENT_LIMITS: ListenerLimits = { ...PROXY_LIMITS, connectionsMax: 512, unprovenMax: 128 };

/** Where the settings allow more calls in flight there are more connections too: half of them may be idle. */
export function proxyLimits(limits: ListenerLimits, inFlightMax: number): ListenerLimits {
  return { ...limits, connectionsMax: Math.max(limits.connectionsMax, 2 * inFlightMax) };
}
