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

/** Thousandths of a processor: `100m`, `2`, `0.5`; undefined for anything else. */
export function cpuMillis(text: string): number | undefined {
  const [, whole, unit, fraction] = CPU.exec(text) ?? [];
  if (fraction !== undefined) return Number(fraction) * 1_000;
  if (whole === undefined) return undefined;
  return unit === 'm' ? Number(whole) : Number(whole) * 1_000;
}

/**
 * Bytes of `64Mi` and the like; undefined for anything else. A bare number and `m` are accepted by
 * Kubernetes and are never what was meant: 64 bytes, 64 thousandths of a byte.
 */
export function memoryBytes(text: string): number | undefined {
  const [, amount, unit] = MEMORY.exec(text) ?? [];
  const scale = unit === undefined ? undefined : MEMORY_UNIT_BYTES[unit];
  return amount === undefined || scale === undefined ? undefined : Number(amount) * scale;
}
