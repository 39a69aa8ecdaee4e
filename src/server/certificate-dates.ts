import { X509Certificate } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import type { Log } from '../base/log.ts';

/** How often a certificate that is not replaced is checked and logged again. */
const DATES_MS = 3_600_000;
const WARNED_MS = 86_400_000;
/** It expires soon if less than this is left, or less than this share of its lifetime if that is short. */
const SOON_MS = 14 * 86_400_000;
const SOON_PART = 1 / 5;

/** Logs once a day if a serving certificate has expired, will expire soon, or is not valid yet. */
export class CertificateDates {
  readonly #certFile: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #warned: { readonly event: string; readonly atMs: number } | undefined;
  #timer: Timer | undefined;

  constructor(certFile: string, clock: Clock, log: Log) {
    this.#certFile = certFile;
    this.#clock = clock;
    this.#log = log;
  }

  /** Checks this certificate from now on. */
  check(cert: Buffer): void {
    this.#warned = undefined;
    this.#checkAgain(cert);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #checkAgain(cert: Buffer): void {
    const warning = warningOf(cert, this.#clock.unixMs());
    const nowMs = this.#clock.monotonicMs();
    const isNews = warning?.event !== this.#warned?.event || nowMs - (this.#warned?.atMs ?? 0) >= WARNED_MS;
    if (warning !== undefined && isNews) {
      this.#log[warning.level](warning.event, { certFile: this.#certFile, ...warning.fields });
      this.#warned = { event: warning.event, atMs: nowMs };
    }
    this.#timer?.cancel();
    this.#timer = this.#clock.after(DATES_MS, () => this.#checkAgain(cert));
  }
}

interface DateWarning {
  readonly level: 'warn' | 'error';
  readonly event: string;
  readonly fields: { readonly validFrom: string; readonly validTo: string };
}

/** It is served anyway: clients may trust it, and their clock may be right. */
function warningOf(cert: Buffer, nowUnixMs: number): DateWarning | undefined {
  const { validFrom, validTo } = new X509Certificate(cert);
  const fields = { validFrom, validTo };
  const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
  if (nowUnixMs > toMs) return { level: 'error', event: 'certificate has expired: renew it', fields };
  if (nowUnixMs < fromMs) {
    return { level: 'error', event: 'certificate is not valid yet: check it and the clock', fields };
  }
  const isSoon = toMs - nowUnixMs < Math.min(SOON_MS, (toMs - fromMs) * SOON_PART);
  return isSoon ? { level: 'warn', event: 'certificate expires soon: renew it', fields } : undefined;
}
