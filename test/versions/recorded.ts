import { readFileSync } from 'node:fs';

/** What was recorded between a sidecar and a hub of version 0.1.0, and what such a hub stored. */
const FOLDER = 'test/versions/0.1.0';

export interface RecordedAnswer {
  readonly status: number;
  /** Without those that frame the answer or date it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RecordedExchange {
  /** Head and body, byte for byte. */
  readonly request: string;
  readonly response: RecordedAnswer;
}

export interface RecordedWire {
  readonly appid: string;
  readonly key: string;
  readonly exchanges: Readonly<
    Record<'apps' | 'login' | 'ticket' | 'report' | 'clearQuota', RecordedExchange>
  >;
  /** Answers of the same hub: to a report of a token that the platform accepts, and so on. */
  readonly otherAnswers: Readonly<
    Record<'accepted' | 'notCurrent' | 'unauthorized' | 'unknownApp', RecordedAnswer>
  >;
  readonly watch: RecordedExchange;
}

export interface RecordedStores {
  /** The token that is stored in all of them. */
  readonly token: string;
  /** What the sealed ones are encrypted with. */
  readonly key: string;
  readonly files: Readonly<Record<'inClear' | 'sealed', string>>;
  /** The hash of the token in Redis. */
  readonly redis: Readonly<Record<'inClear' | 'sealed', Readonly<Record<string, string>>>>;
  /** The scripts by which a hub of 0.1.0 reads and writes Redis. */
  readonly scripts: Readonly<Record<'read' | 'take' | 'keep' | 'release' | 'publish' | 'charge', string>>;
}

export function recordedWire(): RecordedWire {
  return JSON.parse(readFileSync(`${FOLDER}/wire.json`, 'utf8')) as RecordedWire;
}

export function recordedStores(): RecordedStores {
  return JSON.parse(readFileSync(`${FOLDER}/stores.json`, 'utf8')) as RecordedStores;
}
