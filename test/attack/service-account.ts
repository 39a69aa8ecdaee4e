import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

/**
 * Loaded before a role, this shows it the files of a service account as if it ran in a pod: the built
 * program reads them from where the kubelet puts them.
 */
const MOUNTED = '/var/run/secrets/kubernetes.io/serviceaccount/';
const folder = process.env['TEST_SERVICE_ACCOUNT'] ?? '';
const { readFile } = fs.promises;

fs.promises.readFile = ((path: string, ...rest: unknown[]) => {
  const at =
    typeof path === 'string' && path.startsWith(MOUNTED) ? join(folder, path.slice(MOUNTED.length)) : path;
  return (readFile as (...all: unknown[]) => Promise<unknown>)(at, ...rest);
}) as typeof readFile;
syncBuiltinESMExports();
