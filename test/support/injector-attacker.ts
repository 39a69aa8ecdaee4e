import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { askingPod } from './injection.ts';
import { callWebhook, reviewOf } from './injector.ts';
import { MIB } from './memory.ts';

/**
 * A program that attacks an injector with everything at once: large and costly bodies, silent and
 * half-open connections, bodies and answers that stand still. Its arguments are the port, the file of the
 * certificate, and for how many milliseconds.
 */
const [port, certFile, forMs] = process.argv.slice(2);
const cert = readFileSync(String(certFile), 'utf8');
const LARGE = 4 * MIB - 1_000;
const SENDERS = 12;

const endsMs = performance.now() + Number(forMs);
await attack(() => performance.now() > endsMs);
// What it holds open is closed with it.
process.exit(0);

function bodies(): readonly string[] {
  const more = (value: unknown): string => JSON.stringify(reviewOf({ ...askingPod(), more: value }));
  const many = (count: number, of: (n: number) => unknown): unknown[] =>
    Array.from({ length: count }, (_, n) => of(n));
  const annotations = Object.fromEntries(many(12_000, (n) => [`wechat-sidecar.io/k${String(n)}`, 'v']) as []);
  return [
    `[${'{},'.repeat(LARGE / 3)}{}]`,
    more('x'.repeat(LARGE - 1_000)),
    more('中'.repeat((LARGE - 1_000) / 3)),
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

async function attack(isOver: () => boolean): Promise<void> {
  const keep = (socket: Socket): void => void socket.on('error', () => undefined);
  const secure = (text: string, reads: boolean): void => {
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', ca: cert }, () => socket.write(text));
    if (reads) socket.resume();
    keep(socket);
  };
  const all = bodies();
  const answered = all.at(-2) ?? '';
  const post = (length: number): string =>
    `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
  const stand = async (): Promise<void> => {
    while (!isOver()) {
      for (let n = 0; n < 20; n += 1) keep(connectTcp(Number(port), '127.0.0.1').resume());
      secure(`POST /inject HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(12_000)}`, true);
      secure(post(LARGE) + (all[1] ?? '').slice(0, 500_000), true);
      secure((post(answered.length) + answered).repeat(3), false);
      await pause(100);
    }
  };
  const send = async (n: number): Promise<void> => {
    for (let next = n; !isOver(); next += 1) {
      await callWebhook(Number(port), cert, all[next % all.length]).catch(() => undefined);
      await pause(20);
    }
  };
  await Promise.all([stand(), ...Array.from({ length: SENDERS }, (_, n) => send(n))]);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
