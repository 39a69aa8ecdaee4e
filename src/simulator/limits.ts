import { LISTENER_LIMITS, type ListenerLimits } from '../server/listen.ts';

/** A program under test may use many threads; all other clients are on the same network. */
export const SIMULATOR_LIMITS: ListenerLimits = { ...LISTENER_LIMITS, headBytesMax: 32 * 1024 };
