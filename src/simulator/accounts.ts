import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Random } from '../base/random.ts';
import type { Family, TokenKind } from './tokens.ts';

/** One account of the simulated platform. Durations are in milliseconds. */
export interface AppSettings {
  readonly appid: string;
  /** Made up; the simulator's secrets guard nothing. */
  readonly secret: string;
  /** A frozen AppSecret gets no tokens (40243); tokens that are out stay good. */
  readonly frozen: boolean;
  /** IPs, `a.b.c.*` or CIDR blocks that may use the AppSecret; empty: all. */
  readonly ipAllow: readonly string[];
  readonly tokenLifeMs: number;
  /** How long the predecessor of a classic token still works. */
  readonly overlapMs: number;
  /** A stable token with no more life than this is replaced by the next normal call. */
  readonly rotateBeforeMs: number;
  readonly forceGapMs: number;
  /** How long the predecessor of a forced refresh still works. */
  readonly forceGraceMs: number;
  readonly forcePerDay: number;
  readonly clearsPerMonth: number;
  /** By path; `*` for every path that is not named. */
  readonly quotas: Readonly<Record<string, Quota>>;
  /** A third-party platform: it gets component tokens, and no others (61024). */
  readonly component: boolean;
  /** The AppKey of `pay_sig`. */
  readonly payKey: string;
  /** The public key (PEM) that checks a Wechatmp-Signature; empty: none is registered. */
  readonly signKeyPem: string;
}

export interface Quota {
  readonly perDay?: number | undefined;
  readonly perMinute?: number | undefined;
}

export type NewApp = Partial<AppSettings> & Pick<AppSettings, 'appid'>;

export const DEMO_APP: { readonly appid: string; readonly secret: string } = {
  appid: 'wx000000000000de30',
  secret: 'de30de30de30de30de30de30de30de30',
};

const STABLE_WINDOW_MS = 300_000;

const QUOTAS: Readonly<Record<string, Quota>> = {
  '/cgi-bin/token': { perDay: 2_000 },
  '/cgi-bin/stable_token': { perDay: 500_000, perMinute: 10_000 },
  '/cgi-bin/ticket/getticket': { perDay: 1_000_000 },
  '/cgi-bin/component/api_component_token': { perDay: 10_000 },
  '*': { perDay: 5_000_000 },
};

const DEFAULTS: Omit<AppSettings, 'appid'> = {
  secret: DEMO_APP.secret,
  frozen: false,
  ipAllow: [],
  tokenLifeMs: 7_200_000,
  overlapMs: 300_000,
  rotateBeforeMs: STABLE_WINDOW_MS,
  forceGapMs: 30_000,
  forceGraceMs: 300_000,
  forcePerDay: 20,
  clearsPerMonth: 10,
  quotas: QUOTAS,
  component: false,
  payKey: 'simulator-pay-key',
  signKeyPem: '',
};

/**
 * `given` over `before` over the defaults. The rotation window shrinks with short lives to a quarter of
 * them, or else a token that lives five seconds would be replaced by every single call.
 */
export function settle(given: NewApp, before: AppSettings | undefined): AppSettings {
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const settings: AppSettings = { ...DEFAULTS, ...before, ...(defined as NewApp) };
  const quotas = { ...QUOTAS, ...before?.quotas, ...given.quotas };
  if (given.tokenLifeMs === undefined || given.rotateBeforeMs !== undefined) return { ...settings, quotas };
  return { ...settings, quotas, rotateBeforeMs: Math.min(STABLE_WINDOW_MS, given.tokenLifeMs / 4) };
}

/** Calls of one path by one account in the running day and minute. */
interface Usage {
  day: number;
  inDay: number;
  minute: number;
  inMinute: number;
}

export interface AppCounters {
  /** Calls of GET /cgi-bin/token that named this account, whatever the answer. */
  classicFetches: number;
  /** Calls of POST /cgi-bin/stable_token in normal mode, likewise. */
  stableFetches: number;
  /** Calls of POST /cgi-bin/stable_token with force_refresh, likewise. */
  forcedFetches: number;
  /** Tokens made for callers of the two endpoints: fewer than the calls, where a call returns the same token. */
  tokensIssued: number;
  getApiDomainIpCalls: number;
  /** Calls with a live token, get_api_domain_ip included. */
  apiCalls: number;
  /** Calls with a token of this account that was overwritten, revoked or aged. */
  deadTokenCalls: number;
}

export interface Account {
  settings: AppSettings;
  readonly families: Record<Exclude<TokenKind, 'user'>, Family>;
  readonly usage: Map<string, Usage>;
  readonly random: Random;
  readonly counters: AppCounters;
  readonly tickets: Map<string, { readonly ticket: string; readonly expiresAtMs: number }>;
  lastForceAtMs: number;
  forces: { day: number; count: number };
  clears: { month: string; count: number };
  /** The custom menu as it was created, in JSON. */
  menu: string | undefined;
  lastMessageId: number;
}

export function makeAccount(settings: AppSettings, random: Random): Account {
  return {
    settings,
    families: { stable: {}, classic: {}, authorizer: {}, component: {} },
    usage: new Map(),
    random,
    counters: noCounts(),
    tickets: new Map(),
    lastForceAtMs: Number.NEGATIVE_INFINITY,
    forces: { day: -1, count: 0 },
    clears: { month: '', count: 0 },
    menu: undefined,
    lastMessageId: 200_228_332,
  };
}

export function noCounts(): AppCounters {
  return {
    classicFetches: 0,
    stableFetches: 0,
    forcedFetches: 0,
    tokensIssued: 0,
    getApiDomainIpCalls: 0,
    apiCalls: 0,
    deadTokenCalls: 0,
  };
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const BEIJING_MS = 8 * 3_600_000;

/** Quotas are counted by the day of Beijing. */
export function dayOf(nowMs: number): number {
  return Math.floor((nowMs + BEIJING_MS) / DAY_MS);
}

export function monthOf(nowMs: number): string {
  return new Date(nowMs + BEIJING_MS).toISOString().slice(0, 7);
}

export function quotaOf(account: Account, path: string): Quota {
  const { quotas } = account.settings;
  return quotas[path] ?? quotas['*'] ?? {};
}

/** Counts a call; the errcode where it is one too many. */
export function charge(account: Account, path: string, nowMs: number): 45009 | 45011 | undefined {
  const usage = usageOf(account, path, nowMs);
  const { perDay, perMinute } = quotaOf(account, path);
  if (perDay !== undefined && usage.inDay >= perDay) return 45009;
  if (perMinute !== undefined && usage.inMinute >= perMinute) return 45011;
  usage.inDay += 1;
  usage.inMinute += 1;
  account.usage.set(path, usage);
  return undefined;
}

/** Of a path that was never called it is not kept: whoever asks may name any. */
export function usageOf(account: Account, path: string, nowMs: number): Usage {
  const usage = account.usage.get(path) ?? { day: 0, inDay: 0, minute: 0, inMinute: 0 };
  const day = dayOf(nowMs);
  const minute = Math.floor(nowMs / MINUTE_MS);
  if (usage.day !== day) Object.assign(usage, { day, inDay: 0 });
  if (usage.minute !== minute) Object.assign(usage, { minute, inMinute: 0 });
  return usage;
}

/** An IPv4 address as IPv4, also where the socket tells it as `::ffff:a.b.c.d`. */
export function plainIp(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

export function mayUseSecret(settings: AppSettings, ip: string): boolean {
  if (settings.ipAllow.length === 0) return true;
  const allowed = new BlockList();
  for (const entry of settings.ipAllow) allow(allowed, entry);
  return allowed.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
}

function allow(list: BlockList, entry: string): void {
  const [address = '', bits] = (entry.endsWith('.*') ? `${entry.slice(0, -1)}0/24` : entry).split('/');
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, Number(bits), family);
}

/** Whether `allow` can read an entry: a single address, `a.b.c.*`, or a CIDR block. */
export function isIpEntry(entry: string): boolean {
  try {
    allow(new BlockList(), entry);
    return true;
  } catch {
    return false;
  }
}
