import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { plant, PLANTED_FAULTS } from './planted-faults.ts';

/** The folder of the built tree, in which this file runs. */
const BUILD = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const SEEDS_MAX = 60;

test.serial('every planted fault has a name and a story of its own', (t) => {
  t.true(PLANTED_FAULTS.length >= 15);
  t.is(new Set(PLANTED_FAULTS.map(({ name }) => name)).size, PLANTED_FAULTS.length);
});

for (const [at, fault] of PLANTED_FAULTS.entries()) {
  test.serial(`the simulation finds it when ${fault.name}`, async (t) => {
    t.timeout(120_000);
    const folder = join(BUILD, 'planted', String(at));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const program = plant(fault, BUILD, folder);
    const seeds = ['--from', String(fault.from ?? 1), '--seeds', String(SEEDS_MAX), '--first'];
    const args = fault.script === undefined ? seeds : ['--failed', String(fault.script)];
    const { code, output } = await run(program, ...args);
    t.is(code, 1, output);
    t.regex(output, /BROKEN|was rejected/);
  });
}

function run(program: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}
