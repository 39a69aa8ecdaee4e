import type { Sent } from './odd-bytes.ts';
import { EXPLAINED, type Explained } from './explained.ts';
import { type Reading, readByNode, readByOurs } from './readings.ts';

const PARTS = ['status', 'reason', 'headers', 'body', 'trailers', 'isKept'] as const;

export interface Judged {
  /** Whether ours and Node's read a response. */
  readonly accepted: readonly ['ours' | undefined, 'node' | undefined];
  readonly faults: readonly string[];
}

/** One response in memory: in any pieces ours reads the same, and what Node accepts too, both read the same. */
export async function judgeInMemory(
  sent: Sent,
  explained: readonly Explained[] = EXPLAINED,
): Promise<Judged> {
  const all = sent.pieces.join('');
  const faults: string[] = [];
  const ours = readByOurs(sent);
  const atOnce = readByOurs({ ...sent, pieces: [all] });
  if (JSON.stringify(ours) !== JSON.stringify(atOnce))
    faults.push(`other pieces, another reading: ${textOf(ours)} and ${textOf(atOnce)}`);
  const node = await readByNode(sent);
  if (ours !== undefined && node !== undefined)
    faults.push(...differences({ ...sent, pieces: [all] }, ours, node, explained));
  return { accepted: [ours && 'ours', node && 'node'], faults };
}

function differences(
  { method, pieces }: Sent,
  ours: Reading,
  node: Reading,
  explained: readonly Explained[],
): string[] {
  const sent = pieces.join('');
  return PARTS.filter((part) => JSON.stringify(ours[part]) !== JSON.stringify(node[part]))
    .filter((part) => !explained.some((each) => each.part === part && each.applies(sent, ours, node, method)))
    .map((part) => `${part}: ours ${textOf(ours[part])}, Node ${textOf(node[part])}`);
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
