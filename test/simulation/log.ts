import type { Log, LogFields } from '../../src/base/log.ts';
import type { Schedule } from './schedule.ts';

/** What happened, for people; and a number that sums it up, to compare two runs by. */
export class Story {
  readonly lines: string[] = [];
  readonly #schedule: Schedule;
  readonly #write: ((line: string) => void) | undefined;
  #sum = 0x811c9dc5;

  constructor(schedule: Schedule, write: ((line: string) => void) | undefined) {
    this.#schedule = schedule;
    this.#write = write;
  }

  get isTold(): boolean {
    return this.#write !== undefined;
  }

  get sum(): number {
    return this.#sum >>> 0;
  }

  tell(who: string, what: string): void {
    this.#add(`${this.#schedule.nowMs}${who}${what}`);
    if (this.#write === undefined) return;
    this.#write(`${clockText(this.#schedule.nowMs)}  ${who.padEnd(10)} ${what}`);
  }

  logOf(who: string): Log {
    const at =
      (level: string) =>
      (event: string, fields?: LogFields): void => {
        if (this.#write === undefined) this.#add(who + event);
        else this.tell(who, `[${level}] ${event}${fieldsText(fields)}`);
      };
    return { debug() {}, info: at('info'), warn: at('warn'), error: at('error') };
  }

  #add(text: string): void {
    for (let at = 0; at < text.length; at += 1) {
      this.#sum = Math.imul(this.#sum ^ text.charCodeAt(at), 0x01000193);
    }
  }
}

/** Hours, minutes, seconds and milliseconds since the beginning. */
export function clockText(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const seconds = ((ms / 1_000) % 60).toFixed(3).padStart(6, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${seconds}`;
}

function fieldsText(fields: LogFields | undefined): string {
  if (fields === undefined) return '';
  const told = Object.entries(fields).filter(([name, value]) => value !== undefined && name !== 'app');
  return told.map(([name, value]) => ` ${name}=${String(value)}`).join('');
}
