/** The command line options. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { JUDGED } from './bars.ts';
import { VARIANTS } from './results.ts';
import { SHAPE_NAMES } from './shapes.ts';
import { besideSystem, SYSTEMS, type System } from './systems.ts';

export interface Options {
  readonly systems: readonly System[];
  readonly shapes: ReadonlySet<string>;
  /** The names of those that are measured at a constant rate; all if undefined. */
  readonly steady: readonly string[] | undefined;
  readonly rounds: number;
  /** Of one slice under full load. */
  readonly sliceSeconds: number;
  /** Of one slice at a constant rate. */
  readonly steadySeconds: number;
  /** For each shape, before anything is measured. */
  readonly warmCalls: number;
  /** The limit for each shape. */
  readonly warmSecondsMax: number;
  readonly restSeconds: number;
  /** How often each system is started to measure the startup time. */
  readonly starts: number;
}

export const HELP = `npm run bench -- [options]

  --quick           a first look in a few minutes: 3 rounds, fewer shapes, short slices
  --bars            what the bars need, in under 20 minutes
  --only NAMES      some systems: ${[...new Set(SYSTEMS.map(({ family }) => family))].join(', ')};
                    or one version, such as sidecar-24; sidecar-logged and sidecar-traced only if named
  --shapes NAMES    some shapes: ${SHAPE_NAMES.join(', ')}
  --beside FILE     another build too, such as an older one: the path of its cli.js
  --rounds N        how often each slice is measured (10; quick: 3)
`;

const ROUNDS_MAX = 100;
/** 60,000 calls at 500/s in 10 rounds, with some to spare: those sent before the generator stood still are not timed. */
const FULL = {
  rounds: 10,
  sliceSeconds: 1,
  steadySeconds: 12.5,
  warmCalls: 10_000,
  warmSecondsMax: 10,
  restSeconds: 10,
  starts: 9,
};
const QUICK = {
  rounds: 3,
  sliceSeconds: 1,
  steadySeconds: 2,
  warmCalls: 3_000,
  warmSecondsMax: 3,
  restSeconds: 1,
  starts: 1,
};
const QUICK_SHAPES = ['get', 'post', 'json4k', 'steady'];

/** Returns the options or, if there is nothing to measure, what to print. */
export function parseOptions(args: readonly string[]): Options | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      bars: { type: 'boolean', default: false },
      only: { type: 'string' },
      shapes: { type: 'string' },
      beside: { type: 'string' },
      rounds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return HELP;
  const length = values.quick ? QUICK : FULL;
  const preset = values.bars ? JUDGED.shapes : values.quick ? QUICK_SHAPES : SHAPE_NAMES;
  const shapes = values.shapes?.split(',') ?? preset;
  const unknown = shapes.filter((name) => !SHAPE_NAMES.includes(name));
  const only = values.only?.split(',') ?? (values.bars ? JUDGED.systems : undefined);
  unknown.push(...(only ?? []).filter((word) => !SYSTEMS.some((system) => isMeant(system, word))));
  if (unknown.length > 0) return `Cannot measure ${unknown.join(', ')}: no such system or shape.\n\n${HELP}`;
  const rounds = Number(values.rounds ?? length.rounds);
  if (!(rounds >= 1 && rounds <= ROUNDS_MAX))
    return `Cannot measure ${values.rounds} rounds: 1 to ${ROUNDS_MAX}.\n`;
  return {
    ...length,
    rounds,
    shapes: new Set(shapes),
    steady: values.bars ? JUDGED.steady : undefined,
    systems: [
      ...SYSTEMS.filter((system) =>
        only === undefined ? !VARIANTS.has(system.family) : only.some((word) => isMeant(system, word)),
      ),
      ...(values.beside === undefined ? [] : [besideSystem(resolve(values.beside))]),
    ],
  };
}

function isMeant({ name, family }: System, word: string): boolean {
  return word === name || word === family;
}
