import { execFile, type ExecFileException } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const CACHE = '.cache/k8s';

/** Of the objects of cert-manager and the Prometheus operator; undefined where they could not be had. */
export const CUSTOM_DEFINITIONS: string | undefined = existsSync(`${CACHE}/crds`)
  ? `${CACHE}/crds`
  : undefined;

/** The path of a tool that the machine or `test/k8s/tools.sh` provides. */
export function findTool(name: string): string | undefined {
  const folders = [CACHE, ...(process.env['PATH'] ?? '').split(delimiter)];
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined) folders.unshift(assets);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Why a test cannot run here, or undefined where every tool is at hand. */
export function missingTools(...names: string[]): string | undefined {
  const missing = names.filter((name) => findTool(name) === undefined);
  return missing.length === 0
    ? undefined
    : `${missing.join(' and ')} cannot be found here (test/k8s/tools.sh)`;
}

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a tool to its end. A code other than 0 is for the caller to judge. */
export function runTool(name: string, args: readonly string[], input?: string): Promise<Run> {
  const path = findTool(name);
  if (path === undefined) return Promise.reject(new Error(`${name} cannot be found`));
  return new Promise((resolve) => {
    const child = execFile(
      path,
      [...args],
      { maxBuffer: 64 * 1024 * 1024, timeout: 120_000 },
      (error: ExecFileException | null, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
      },
    );
    child.stdin?.end(input ?? '');
  });
}
