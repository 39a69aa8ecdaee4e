import { readFileSync } from 'node:fs';

/** The rights of a Redis user that docs/hub.md lists, on the keys and the channel of the tests. */
export function documentedRights(): readonly string[] {
  const text = readFileSync(new URL('../../../docs/hub.md', import.meta.url), 'utf8');
  const command = /^ACL SETUSER hub on >password ([^`]*)```/m.exec(text)?.[1];
  if (command === undefined) throw new Error('docs/hub.md names no rights of a Redis user');
  const rights = command.trim().split(/\s+/);
  return rights.map((right) => right.replace(/^([~&])wechat-sidecar:/, '$1test:'));
}
