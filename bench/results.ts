/** The measurements. */
import type { Histogram } from './histogram.ts';
import type { Memory } from './usage.ts';

/** One slice of one system and one shape. */
export interface Slice {
  readonly round: number;
  readonly calls: number;
  readonly errors: number;
  readonly cpuUsPerCall: number;
  /** How long it was ready to run while something else used the core: not caused by the system itself. */
  readonly waitedUsPerCall: number;
  readonly callsPerS: number;
  /** The part of its time in which the host of a virtual machine gave the core to others, from 0 to 1. */
  readonly stolenShare: number;
  /** In µs. */
  readonly times: Histogram;
}

export interface SystemResult {
  readonly name: string;
  readonly family: string;
  readonly does: string;
  /** From the start of the process to its first answered call. */
  readonly startMs: readonly number[];
  readonly idle: Memory | undefined;
  readonly restShare: number;
  memory: Memory | undefined;
  /** By shape. */
  readonly slices: Map<string, Slice[]>;
}

/** A call at a round trip of 20 ms. */
export interface FarResult {
  readonly name: string;
  readonly times: Histogram;
  readonly callerCpuUs: number;
  readonly sidecarCpuUs: number | undefined;
}

export interface Results {
  readonly systems: readonly SystemResult[];
  readonly far: readonly FarResult[];
  /** Each system and shape that could not be measured. */
  readonly problems: readonly string[];
}

/** Families of sidecars that are compared with the one that has default settings. */
export const VARIANTS: ReadonlySet<string> = new Set(['sidecar-logged', 'sidecar-traced', 'sidecar-beside']);
