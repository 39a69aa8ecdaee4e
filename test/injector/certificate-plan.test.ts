import { X509Certificate } from 'node:crypto';
import test from 'ava';
import { seededRandom } from '../../src/base/random.ts';
import { makeWebhookCertificate } from '../../src/injector/certificate.ts';
import {
  afterStep,
  CERTIFICATE_POLICY as POLICY,
  dataOf,
  nextStep,
  readStored,
  type StoredCertificates,
  trustBundle,
} from '../../src/injector/certificate-plan.ts';

const NAMES = ['injector.system.svc'];
const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const random = seededRandom(1);
const none: StoredCertificates = { current: undefined, next: undefined, retiredCaPem: undefined };

function make(atMs: number, names = NAMES): ReturnType<typeof makeWebhookCertificate> {
  return makeWebhookCertificate(names, atMs, POLICY.lifeMs, random);
}

function subjects(pem: string): number {
  return pem.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
}

test('a certificate is replaced by its successor step by step, and the previous CA stays trusted', async (t) => {
  const step = (stored: StoredCertificates, atMs: number, trustedForMs?: number): string =>
    nextStep(stored, NAMES, atMs, trustedForMs, POLICY);
  t.is(step(none, NOW_MS), 'replace');
  const first = await make(NOW_MS);
  let stored = afterStep(none, 'replace', first);
  t.is(trustBundle(stored), first.caPem);
  t.is(step(stored, NOW_MS), 'keep');
  t.is(step(stored, NOW_MS + 14 * DAY_MS), 'keep');
  t.is(step(stored, NOW_MS + 16 * DAY_MS), 'prepare');
  const second = await make(NOW_MS + 16 * DAY_MS);
  stored = afterStep(stored, 'prepare', second);
  t.is(stored.current, first);
  t.is(trustBundle(stored), first.caPem + second.caPem);
  t.is(step(stored, NOW_MS + 16 * DAY_MS), 'keep');
  t.is(step(stored, NOW_MS + 16 * DAY_MS, POLICY.settleMs - 1), 'keep');
  t.is(step(stored, NOW_MS + 16 * DAY_MS, POLICY.settleMs), 'promote');
  stored = afterStep(stored, 'promote', second);
  t.deepEqual(stored, { current: second, next: undefined, retiredCaPem: first.caPem });
  t.is(trustBundle(stored), second.caPem + first.caPem);
  t.is(step(stored, NOW_MS + 17 * DAY_MS), 'keep');
});

test('an expired certificate or one for another name is replaced at once; an expired successor is made again', async (t) => {
  const first = await make(NOW_MS);
  const stored = afterStep(none, 'replace', first);
  t.is(nextStep(stored, NAMES, NOW_MS + 31 * DAY_MS, undefined, POLICY), 'replace');
  t.is(nextStep(stored, ['other.system.svc'], NOW_MS, undefined, POLICY), 'replace');
  const stale = afterStep(afterStep(none, 'replace', await make(NOW_MS + 20 * DAY_MS)), 'prepare', first);
  t.is(nextStep(stale, NAMES, NOW_MS + 40 * DAY_MS, DAY_MS, POLICY), 'prepare');
});

test('a certificate that is not valid yet counts as missing, and so does such a successor', async (t) => {
  const [good, ahead] = [await make(NOW_MS), await make(NOW_MS + 8 * 3_600_000)];
  const step = (stored: StoredCertificates, trustedForMs?: number): string =>
    nextStep(stored, NAMES, NOW_MS, trustedForMs, POLICY);
  t.is(step(afterStep(none, 'replace', ahead)), 'replace');
  // Made on a machine whose clock is ahead of ours by less than the backdating.
  t.is(step(afterStep(none, 'replace', await make(NOW_MS + 3_000_000))), 'keep');
  const prepared = afterStep(afterStep(none, 'replace', good), 'prepare', ahead);
  t.is(step(prepared, DAY_MS), 'keep');
  const old = await make(NOW_MS - 20 * DAY_MS);
  t.is(step(afterStep(afterStep(none, 'replace', old), 'prepare', ahead), DAY_MS), 'prepare');
});

test('a Secret returns what was stored in it, and nothing if its parts do not match', async (t) => {
  const [one, two] = [await make(NOW_MS), await make(NOW_MS + DAY_MS)];
  const stored = afterStep(
    afterStep(afterStep(none, 'replace', one), 'promote', two),
    'prepare',
    await make(NOW_MS),
  );
  const data = dataOf(stored);
  const back = readStored(data);
  t.is(back.current?.certPem, two.certPem);
  t.is(back.current?.key.reveal(), two.key.reveal());
  t.is(trustBundle(back), trustBundle(stored));
  t.is(subjects(trustBundle(back)), 3);

  t.deepEqual(readStored({}), none);
  const wrongKey = readStored({ ...data, 'tls.key': dataOf(afterStep(none, 'replace', one))['tls.key'] });
  t.is(wrongKey.current, undefined);
  const wrongAuthority = readStored({ ...data, 'ca.crt': data['retired-ca.crt'] });
  t.is(wrongAuthority.current, undefined);
  for (const junk of ['', '!!', 'bm9uc2Vuc2U=', 7, null]) {
    t.deepEqual(
      readStored({ 'ca.crt': junk, 'tls.crt': junk, 'tls.key': junk, 'retired-ca.crt': junk }),
      none,
    );
  }
});

test('each CA has its own name and may only sign certificates, and its key is not stored', async (t) => {
  const [one, two] = [await make(NOW_MS), await make(NOW_MS)];
  const [ca, leaf] = [new X509Certificate(one.caPem), new X509Certificate(one.certPem)];
  t.not(ca.subject, new X509Certificate(two.caPem).subject);
  t.true(ca.ca);
  t.false(leaf.ca);
  t.true(leaf.checkIssued(ca));
  t.is(leaf.checkHost('injector.system.svc'), 'injector.system.svc');
  t.is(leaf.checkHost('api.weixin.qq.com'), undefined);
  t.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  t.is(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom), POLICY.lifeMs + 3_600_000);
  t.notRegex(JSON.stringify(one), /PRIVATE KEY/);
});
