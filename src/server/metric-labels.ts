import { STATUS_CODES } from 'node:http';

/** Accounts and hosts with a label of their own. */
export const APPS_MAX = 500;
export const HOSTS_MAX = 50;

/** The first `max` different values keep their own label; all later ones become `other`. */
export function boundedLabels(max: number): (value: string) => string {
  const seen = new Set<string>();
  return (value) => {
    if (seen.has(value)) return value;
    if (seen.size >= max) return 'other';
    seen.add(value);
    return value;
  };
}

/** The series of a histogram with one label, resolved once per value. */
export function perLabel<Series>(
  max: number,
  histogram: { labels(value: string): Series },
): (value: string) => Series {
  const children = new Map<string, Series>();
  const bounded = boundedLabels(max);
  return (value) => {
    const known = children.get(value);
    if (known !== undefined) return known;
    const label = bounded(value);
    const child = children.get(label) ?? histogram.labels(label);
    children.set(label, child);
    return child;
  };
}

export function statusLabel(status: number): string {
  return status in STATUS_CODES ? String(status) : 'other';
}
