import { reviewOf } from '../support/injector.ts';
import { askingPod } from '../support/injection.ts';
import { MIB } from '../support/memory.ts';
import type { Attacker } from './attacks.ts';

const LARGE = 4 * MIB - 1_000;

/** Bodies that take much memory or time: many parts, long texts, deep lists, pods with much to say about them. */
function bodies(): readonly string[] {
  const more = (value: unknown): string => JSON.stringify(reviewOf({ ...askingPod(), more: value }));
  const many = (count: number, of: (n: number) => unknown): unknown[] =>
    Array.from({ length: count }, (_, n) => of(n));
  const annotations = Object.fromEntries(many(12_000, (n) => [`wechat-sidecar.io/k${String(n)}`, 'v']) as []);
  return [
    `[${'{},'.repeat(LARGE / 3)}{}]`,
    more('x'.repeat(LARGE - 1_000)),
    more('中'.repeat((LARGE - 1_000) / 3)),
    more('x'.repeat(3 * MIB)),
    more(many(1_200_000, () => ({}))),
    more(many(20_000, () => ({}))),
    more(many(12_000, (n) => ({ [`k${n}`]: n }))),
    `{"kind":"AdmissionReview",${'['.repeat(LARGE - 100)}`,
    JSON.stringify(reviewOf(askingPod(annotations))),
    JSON.stringify(
      reviewOf({
        ...askingPod({ 'wechat-sidecar.io/transparent': 'true' }),
        spec: { containers: many(240, () => ({})) },
      }),
    ),
    JSON.stringify(reviewOf({ ...askingPod(), spec: { containers: many(16_000, () => ({})) } })),
  ];
}

function post(body: string | Buffer, length = body.length, close = true): Buffer {
  const head = `POST /inject HTTP/1.1\r\nHost: x\r\n${close ? 'Connection: close\r\n' : ''}Content-Length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** Against the injector. */
export const INJECTOR_ATTACKS: Readonly<Record<string, (attacker: Attacker) => Promise<void>>> = {
  bodies: (attacker) => {
    const all = bodies().map((body) => post(Buffer.from(body)));
    return attacker.repeat(12, 20, (n) => all[n % all.length] ?? '');
  },
  halfBodies: (attacker) =>
    attacker.hold(40, 2, () => {
      const socket = attacker.open().resume();
      socket.write(
        post(
          '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","x":"' + 'y'.repeat(500_000),
          LARGE,
        ),
      );
      return socket;
    }),
  unreadAnswers: (attacker) => {
    const answered = post(bodies().at(-2) ?? '', undefined, false);
    return attacker.hold(40, 2, () => {
      const socket = attacker.open().pause();
      socket.write(Buffer.concat([answered, answered, answered]));
      return socket;
    });
  },
};
