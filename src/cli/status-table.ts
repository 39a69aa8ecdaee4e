import { durationWords } from '../base/duration-words.ts';
import { isObject } from '../base/json.ts';

/** A summary of a process's `/status` for people. Its content is not trusted. */
export function statusTable(title: string, status: unknown): string {
  const role = text(memberOf(status, 'role'));
  const part = memberOf(status, role);
  const lines = role === 'demo' ? demoLines(part) : roleLines(part);
  return `${[title, ...lines].join('\n')}\n`;
}

export interface ShownAccount {
  readonly appid: string;
  readonly mode: string;
  readonly fingerprint: string;
  readonly left: string;
  readonly isFailing: boolean;
  readonly next: string;
}

/** The accounts in the status of any role; for a demo, those of its hub. */
export function accountsIn(status: unknown): readonly ShownAccount[] {
  const part = memberOf(status, text(memberOf(status, 'role')));
  return accountsOf(memberOf(part, 'accounts') === undefined ? memberOf(part, 'hub') : part);
}

const DEMO_ROLES = ['proxy', 'hub'];

function demoLines(part: unknown): string[] {
  return DEMO_ROLES.flatMap((role) => [role, ...roleLines(memberOf(part, role))]);
}

function roleLines(part: unknown): string[] {
  const hub = memberOf(part, 'hub');
  return [
    ...accountLines(accountsOf(part)),
    ...addressLines('upstream', memberOf(part, 'upstreams')),
    ...addressLines('hub', memberOf(hub, 'addresses')),
    ...scalarLine('stream of tokens', memberOf(hub, 'watch')),
    ...scalarLine('egress proxy', memberOf(part, 'egressProxy')),
    ...scalarLine('certificate', memberOf(part, 'certificate')),
    ...scalarLine('counters', memberOf(part, 'counters')),
    ...scalarLine('', part),
  ];
}

function accountsOf(part: unknown): ShownAccount[] {
  return listOf(memberOf(part, 'accounts')).map((account) => {
    const leftS = memberOf(account, 'expiresInS');
    const failure = memberOf(account, 'lastFailure');
    return {
      appid: text(memberOf(account, 'appid')),
      mode: text(memberOf(account, 'mode')),
      fingerprint: text(memberOf(account, 'fingerprint')),
      left: typeof leftS === 'number' ? durationWords(leftS * 1_000) : '',
      isFailing: failure !== undefined && memberOf(failure, 'over') !== true,
      next: text(memberOf(account, 'next')),
    };
  });
}

function accountLines(accounts: readonly ShownAccount[]): string[] {
  if (accounts.length === 0) return [];
  const rows = accounts.map(({ appid, mode, fingerprint, left, next }) => [
    appid,
    mode,
    fingerprint,
    left,
    next,
  ]);
  return columns([['account', 'mode', 'token', 'left', 'next'], ...rows]);
}

function addressLines(kind: string, list: unknown): string[] {
  const rows = listOf(list).map((each) =>
    ['url', 'state', 'lastFailureAt', 'lastFailure'].map((name) => text(memberOf(each, name))),
  );
  return rows.length === 0 ? [] : columns([[kind, 'state', 'failed at', 'why'], ...rows]);
}

/** Its scalar members in one line; empty if it has none. */
function scalarLine(name: string, it: unknown): string[] {
  if (!isObject(it)) return [];
  const plain = Object.entries(it).filter(([, value]) => typeof value !== 'object');
  if (plain.length === 0) return [];
  const words = plain.map(([key, value]) => `${text(key)} ${text(value)}`).join(', ');
  return [`  ${name === '' ? '' : `${name}: `}${words}`];
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows.map((row) =>
    `  ${row.map((cell, at) => (cell === '' ? '-' : cell).padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd(),
  );
}

const TEXT_MAX = 400;

/** Safe for a terminal, whoever responded. */
function text(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  return String(value)
    .slice(0, TEXT_MAX)
    .replaceAll(/\p{Cc}/gu, '?');
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
