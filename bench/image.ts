/** How the image runs the program. */
import { readFileSync } from 'node:fs';
import { sourceFile } from './machine.ts';

/** The options of `node`. */
export function imageOptions(): string[] {
  const entry = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile())?.[1];
  return (JSON.parse(entry ?? '[]') as string[]).slice(1, -1);
}

/** The variables that the image sets. */
export function imageEnvironment(): Record<string, string> {
  const lines = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile())?.[1] ?? '';
  return Object.fromEntries([...lines.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
}

function dockerfile(): string {
  return readFileSync(sourceFile('Dockerfile'), 'utf8');
}
