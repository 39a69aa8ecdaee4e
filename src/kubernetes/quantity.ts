const CPU = /^(\d{1,6})(m?)$|^(\d{1,4}\.\d{1,3})$/;
const MEMORY = /^(\d{1,9}(?:\.\d{1,3})?)(Ki|Mi|Gi|k|M|G)$/;
const MEMORY_UNIT_BYTES: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  k: 1e3,
  M: 1e6,
  G: 1e9,
};

/**
 * Parses a CPU quantity such as `100m`, `2` or `0.5` into millicores; returns undefined for anything else.
 */
export function cpuMillis(text: string): number | undefined {
  const [, whole, unit, fraction] = CPU.exec(text) ?? [];
  if (fraction !== undefined) return Number(fraction) * 1_000;
  if (whole === undefined) return undefined;
  return unit === 'm' ? Number(whole) : Number(whole) * 1_000;
}

/**
 * Parses `64Mi` and similar into bytes; returns undefined for anything else. Kubernetes also accepts a bare
 * number and the suffix `m`, but nobody means 64 bytes or 64 thousandths of a byte.
 */
export function memoryBytes(text: string): number | undefined {
  const [, amount, unit] = MEMORY.exec(text) ?? [];
  const scale = unit === undefined ? undefined : MEMORY_UNIT_BYTES[unit];
  return amount === undefined || scale === undefined ? undefined : Number(amount) * scale;
}

const QUANTITY = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/;
const NANO_DIGITS = 9;
const POWERS_OF_TEN: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const POWERS_OF_1024: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
const CHARACTERS_MAX = 64;

/**
 * Parses any quantity that a pod may contain into billionths, as Kubernetes reads it (rounding up smaller
 * fractions), so that quantities can be added and compared; returns undefined if it is not one.
 */
export function quantityNanos(value: unknown): bigint | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > CHARACTERS_MAX) return undefined;
  const [found, sign, whole = '', fraction = '', suffix = '', exponent = '0'] = QUANTITY.exec(text) ?? [];
  if (found === undefined) return undefined;
  const power = (POWERS_OF_TEN[suffix] ?? Number(exponent)) + NANO_DIGITS - fraction.length;
  const digits = BigInt(whole + fraction) * 1_024n ** BigInt(POWERS_OF_1024[suffix] ?? 0);
  const divisor = 10n ** BigInt(Math.max(-power, 0));
  const nanos = (digits * 10n ** BigInt(Math.max(power, 0)) + divisor - 1n) / divisor;
  return sign === '-' ? -nanos : nanos;
}
