import test from 'ava';
import { makeLog } from '../../src/base/log.ts';
import { CertificateDates } from '../../src/server/certificate-dates.ts';
import { makeTestCertificate } from '../support/certificates.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;

async function certificate(fromDays: number, toDays: number): Promise<Buffer> {
  const at = (days: number): Date => new Date(new ManualClock().unixMs() + days * DAY_MS);
  const { cert } = await makeTestCertificate('dates.test', {
    notBeforeDate: at(fromDays),
    notAfterDate: at(toDays),
  });
  return Buffer.from(cert);
}

test('a certificate that expires soon is reported once a day, and a short-lived one late in its lifetime', async (t) => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const dates = new CertificateDates(
    '/tls.crt',
    clock,
    makeLog('info', clock, (line) => void lines.push(line)),
  );
  const told = (words: string): number => lines.filter((line) => line.includes(words)).length;
  dates.check(await certificate(-300, 20));
  clock.advance(5 * DAY_MS);
  t.is(told('expires soon'), 0);
  clock.advance(3.5 * DAY_MS);
  t.is(told('expires soon'), 3);
  t.regex(lines[0] ?? '', /"level":"warn".*"certFile":"\/tls\.crt".*"validTo"/);
  dates.check(await certificate(8, 18));
  clock.advance(7 * DAY_MS);
  t.is(told('expires soon'), 3);
  clock.advance(2 * DAY_MS);
  t.is(told('expires soon'), 5);
  clock.advance(2 * DAY_MS);
  t.is(told('has expired'), 2);
  dates.check(await certificate(0, 1_000));
  clock.advance(2 * DAY_MS);
  t.is(lines.length, 7);
  dates.close();
});
