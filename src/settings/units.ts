const DURATION = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/;
const DURATION_UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const SIZE = /^(\d{1,12}(?:\.\d{1,6})?)(B|KiB|MiB|GiB|KB|MB|GB)$/;
const SIZE_UNIT_BYTES: Record<string, number> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/** Milliseconds from a number with a unit (`250ms`, `30s`, `1.5m`, `2h`); undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  return parseAmount(text, DURATION, DURATION_UNIT_MS);
}

/** Bytes from a number with a unit (`512B`, `64KiB`, `20MiB`, `1GB`); undefined for anything else. */
export function parseSizeBytes(text: string): number | undefined {
  return parseAmount(text, SIZE, SIZE_UNIT_BYTES);
}

function parseAmount(text: string, shape: RegExp, units: Record<string, number>): number | undefined {
  const [, amount, unit] = shape.exec(text) ?? [];
  const scale = unit === undefined ? undefined : units[unit];
  if (amount === undefined || scale === undefined) return undefined;
  return Math.round(Number(amount) * scale);
}
