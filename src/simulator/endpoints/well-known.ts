import { OK } from '../answer.ts';
import type { Endpoint } from '../world.ts';

/** Paths that take anything and say `{"errcode":0,"errmsg":"ok"}`. */
const POST_PATHS = `
/cgi-bin/message/custom/send
/cgi-bin/message/custom/typing
/cgi-bin/message/template/send
/cgi-bin/menu/create
`;
const GET_PATHS = `
/cgi-bin/menu/delete
`;

export const WELL_KNOWN_ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  ...table(POST_PATHS, 'POST'),
  ...table(GET_PATHS, 'GET'),
};

function table(paths: string, method: 'GET' | 'POST'): Record<string, Endpoint> {
  const names = paths.trim().split('\n');
  return Object.fromEntries(names.map((path) => [path, { method, token: 'app', answer: () => OK } as const]));
}
