import test from 'ava';
import fc from 'fast-check';
import { PARTS_MAX, ReviewScan } from '../../src/injector/review-scan.ts';
import { reviewOf } from '../support/injector.ts';

type Seen = ReturnType<ReviewScan['push']> | 'review' | 'no_review';

/** The verdict on a text that arrives in chunks of these lengths, repeated. */
function scanned(text: string, lengths: readonly number[] = [Infinity]): Seen {
  const scan = new ReviewScan();
  let rest: Uint8Array = Buffer.from(text);
  for (let n = 0; rest.length > 0; n += 1) {
    const length = lengths[n % lengths.length] ?? 1;
    const seen = scan.push(rest.subarray(0, length));
    if (seen !== 'go_on') return seen;
    rest = rest.subarray(length);
  }
  return scan.isReview() ? 'review' : 'no_review';
}

function isReview(text: string): boolean {
  try {
    const { kind, apiVersion } = JSON.parse(text) as Record<string, unknown>;
    return kind === 'AdmissionReview' && apiVersion === 'admission.k8s.io/v1';
  } catch {
    return false;
  }
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
const spaces = fc.constantFrom(0, 1, '\t');

test('a review of any pod is recognised, however it is chunked and spaced', (t) => {
  const object = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.dictionary(fc.constantFrom('kind', 'apiVersion', 'a"\\'), fc.jsonValue()),
  );
  fc.assert(
    fc.property(object, spaces, lengths, fc.boolean(), (value, space, cuts, isTurned) => {
      const review = reviewOf(value) as Record<string, unknown>;
      const turned = Object.fromEntries(Object.entries(review).toReversed());
      return scanned(JSON.stringify(isTurned ? turned : review, null, space), cuts) === 'review';
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});

test('of the texts that parse, exactly the reviews are recognised', (t) => {
  const word = fc.constantFrom('"kind"', '"apiVersion"', '"AdmissionReview"', '"admission.k8s.io/v1"');
  const junk = fc.constantFrom('{', '}', '[', ']', ':', ',', '1', 'null', '"', '\\', ' ', '"a"');
  const whole = '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"kind":["{\\"}"]}} ';
  const text = fc.oneof(
    fc.array(fc.oneof(word, junk), { maxLength: 20 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.nat(whole.length), fc.nat(8), fc.oneof(word, junk))
      .map(([at, count, by]) => whole.slice(0, at) + by + whole.slice(at + count)),
  );
  fc.assert(
    fc.property(text, lengths, (given, cuts) => {
      const seen = scanned(given, cuts);
      if (isReview(given)) return seen === 'review';
      // It may be damaged in a way that only the parser finds.
      return seen !== 'review' || !parses(given);
    }),
    { numRuns: 5_000 },
  );
  t.pass();
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('a review whose fields are written with escapes is recognised', (t) => {
  const escaped = (text: string): string =>
    text.replaceAll(/./g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`);
  for (const version of ['admission.k8s.io\\/v1', escaped('admission.k8s.io/v1')]) {
    const text = `{"${escaped('kind')}":"AdmissionReview","apiVersion":"${version}"}`;
    t.true(isReview(text), text);
    t.is(scanned(text, [1]), 'review', text);
  }
});

test('scanning stops at the first byte that rules out a review', (t) => {
  const cases: readonly [string, Seen][] = [
    ['[', 'not_a_review'],
    ['"', 'not_a_review'],
    ['\ufeff{', 'not_a_review'],
    ['{"kind":"Pod",', 'not_a_review'],
    ['{"kind":{"a":1},', 'not_a_review'],
    ['{"apiVersion":"admission.k8s.io/v1beta1",', 'not_a_review'],
    [`{"kind":"AdmissionReview${'x'.repeat(100)}",`, 'not_a_review'],
    [`${JSON.stringify(reviewOf({}))}{`, 'not_a_review'],
    ['{}', 'no_review'],
    ['{"kind":"AdmissionReview"}', 'no_review'],
    ['', 'no_review'],
    [JSON.stringify(reviewOf({})).slice(0, -1), 'no_review'],
  ];
  for (const [text, seen] of cases) t.is(scanned(text), seen, text.slice(0, 60));
});

test('more parts than any pod has are rejected, and strings are not counted as parts', (t) => {
  const review = (count: number): string => JSON.stringify(reviewOf(Array(count).fill(0)));
  t.is(scanned(review(PARTS_MAX - 100)), 'review');
  t.is(scanned(review(PARTS_MAX + 100)), 'too_many_parts');
  t.is(scanned(JSON.stringify(reviewOf('[{,:'.repeat(PARTS_MAX)))), 'review');
});
