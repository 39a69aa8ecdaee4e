import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { patientClock } from './patient-clock.ts';

export interface SeenEvent {
  readonly type: string;
  readonly data: Record<string, unknown>;
  /** By this process's monotonic clock. */
  readonly atMs: number;
}

/** One open stream of a hub's events, over a connection of its own. */
export class TestWatch {
  readonly events: SeenEvent[] = [];
  readonly response: IncomingMessage;
  comments = 0;
  ended = false;
  readonly #request: ClientRequest;
  #rest = '';
  #onNews: () => void = () => undefined;

  constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#read(text));
    response.on('error', () => undefined);
    response.on('close', () => {
      this.ended = true;
      this.#onNews();
    });
  }

  /** Resolves once the condition holds; rejects where the stream ends before. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.ended) throw new Error('The stream ended before what was waited for');
      await new Promise<void>((resolve) => (this.#onNews = resolve));
    }
  }

  async untilEvents(count: number): Promise<readonly SeenEvent[]> {
    await this.until(() => this.events.length >= count);
    return this.events;
  }

  async untilEnded(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => (this.#onNews = resolve));
  }

  close(): void {
    this.#request.destroy();
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (block.startsWith(':')) this.comments += 1;
      const type = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (type === undefined || data === undefined) continue;
      this.events.push({ type, data: JSON.parse(data), atMs: patientClock.monotonicMs() });
    }
    this.#onNews();
  }
}

export function openWatch(base: string, key: string, query = ''): Promise<TestWatch> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    const sent = request(`${base}/v1/tokens/watch${query}`, { agent: false, headers }, (response) => {
      if (response.statusCode === 200) resolve(new TestWatch(sent, response));
      else reject(new Error(`The watch was answered HTTP ${response.statusCode}`));
    });
    sent.on('error', reject);
    sent.end();
  });
}
