import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../world.ts';
import { CARDS_AND_FIGURES } from './cards-and-figures.ts';
import { EXPRESS } from './express.ts';
import { MINI_PROGRAMS } from './mini-programs.ts';
import { OFFICIAL_ACCOUNTS } from './official-accounts.ts';
import { SERVICES } from './services.ts';
import { readShape, type Shape } from './shape.ts';
import { STORES } from './stores.ts';
import { plausibleValue } from './values.ts';

/**
 * Platform paths without special behaviour: any body is accepted, and the response is a success of the
 * documented shape. In a table, a line `METHOD folder` precedes the lines `name name …: shape` of that
 * folder; a line that begins with two spaces continues the one before.
 */
export const DOCUMENTED_ENDPOINTS: Readonly<Record<string, Endpoint>> = Object.fromEntries(readTables());

/** Exported for the test that no path is in the tables twice. */
export function readTables(): (readonly [path: string, endpoint: Endpoint])[] {
  return [OFFICIAL_ACCOUNTS, CARDS_AND_FIGURES, EXPRESS, STORES, MINI_PROGRAMS, SERVICES].flatMap(readTable);
}

function readTable(text: string): (readonly [path: string, endpoint: Endpoint])[] {
  let folder = '';
  let head: Pick<Endpoint, 'method' | 'token'> = { method: 'POST', token: 'app' };
  return text
    .trim()
    .replaceAll('\n  ', ' ')
    .split('\n')
    .flatMap((line) => {
      const [, method, component, path] = /^(GET|POST)( component)? (\/\S*\/)$/.exec(line) ?? [];
      if (path !== undefined) {
        folder = path;
        head = {
          method: method === 'GET' ? 'GET' : 'POST',
          token: component === undefined ? 'app' : 'component',
        };
        return [];
      }
      const [names = '', shape = ''] = line.split(': ');
      const endpoint = { ...head, answer: answerOf(shape) };
      return names.split(' ').map((name) => [folder + name, endpoint] as const);
    });
}

/** The shape is parsed at the first call, because most are never called. */
function answerOf(text: string): Endpoint['answer'] {
  let shape: Shape | undefined;
  return (_world, call) => {
    shape ??= readShape(text);
    return jsonAnswer(plausibleValue(shape, call));
  };
}
