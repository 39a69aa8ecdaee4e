/** How the image runs the program. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { sourceFile } from './machine.ts';

/** The options of `node`; without those that this one is too old for, with which it would not start. */
export function imageOptions(node: string = process.execPath): string[] {
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile())?.[1];
  const options = (JSON.parse(entry ?? '[]') as string[]).slice(1, -1);
  const known = spawnSync(node, ['--v8-options'], { encoding: 'utf8' }).stdout;
  return options.filter((option) => known.includes(`  ${option.split('=')[0]} `));
}

/** The variables that the image sets. */
export function imageEnvironment(): Record<string, string> {
  const lines = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile())?.[1] ?? '';
  return Object.fromEntries([...lines.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
}

function dockerfile(): string {
  return readFileSync(sourceFile('Dockerfile'), 'utf8');
}
