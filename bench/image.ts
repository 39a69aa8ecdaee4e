/** How the image runs the program. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { sourceFile } from './machine.ts';

/** Node 20 does not start with it. */
const SINCE_NODE_22 = '--concurrent-turbofan-max-threads';

/** The options that it gives to `node`, as far as this one knows them. */
export function imageOptions(node: string = process.execPath): string[] {
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile())?.[1];
  const options = (JSON.parse(entry ?? '[]') as string[]).slice(1, -1);
  const known = spawnSync(node, ['--v8-options'], { encoding: 'utf8' }).stdout;
  return options.filter((option) => !option.startsWith(SINCE_NODE_22) || known.includes(SINCE_NODE_22));
}

/** The variables that the image sets. */
export function imageEnvironment(): Record<string, string> {
  const lines = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile())?.[1] ?? '';
  return Object.fromEntries([...lines.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
}

function dockerfile(): string {
  return readFileSync(sourceFile('Dockerfile'), 'utf8');
}
