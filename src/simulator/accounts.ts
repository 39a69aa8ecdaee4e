import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Random } from '../base/random.ts';
import type { Family, TokenKind } from './tokens.ts';

/** An account of the simulated platform. Durations are in milliseconds. */
export interface AppSettings {
  readonly appid: string;
  /** Made up; the simulator's secrets protect nothing. */
  readonly secret: string;
  /** A frozen AppSecret gets no tokens (40243); tokens that were issued before stay valid. */
  readonly frozen: boolean;
  /** IPs, `a.b.c.*` or CIDR blocks that may use the AppSecret; empty: all. */
  readonly ipAllow: readonly string[];
  readonly tokenLifeMs: number;
  /** How long the previous classic token still works. */
  readonly overlapMs: number;
  /** A stable token with this much life or less left is replaced by the next normal call. */
  readonly rotateBeforeMs: number;
  readonly forceGapMs: number;
  /** How long the previous token still works after a forced refresh. */
  readonly forceGraceMs: number;
  readonly forcePerDay: number;
  readonly clearsPerMonth: number;
  /** By path; `*` for every path that is not listed. */
  readonly quotas: Readonly<Record<string, Quota>>;
  /** A third-party platform: it gets component tokens and no others (61024). */
  readonly component: boolean;
  /** The AppKey for `pay_sig`. */
  readonly payKey: string;
  /** The public key (PEM) that verifies a Wechatmp-Signature; empty: none is registered. */
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
 * Merges `given` over `before` over the defaults. With a short token life the rotation window is a quarter
 * of it, because otherwise a token that lives five seconds would be replaced by every call.
 */
export function settle(given: NewApp, before: AppSettings | undefined): AppSettings {
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const settings: AppSettings = { ...DEFAULTS, ...before, ...(defined as NewApp) };
  const quotas = { ...QUOTAS, ...before?.quotas, ...given.quotas };
  if (given.tokenLifeMs === undefined || given.rotateBeforeMs !== undefined) return { ...settings, quotas };
  return { ...settings, quotas, rotateBeforeMs: Math.min(STABLE_WINDOW_MS, given.tokenLifeMs / 4) };
}

/** Calls to one path by one account in the current day and minute. */
interface Usage {
  day: number;
  inDay: number;
  minute: number;
  inMinute: number;
}

export interface AppCounters {
  /** Calls to GET /cgi-bin/token that named this account, whatever the response. */
  classicFetches: number;
  /** The same for POST /cgi-bin/stable_token in normal mode. */
  stableFetches: number;
  /** The same for POST /cgi-bin/stable_token with force_refresh. */
  forcedFetches: number;
  /** Tokens created by the two endpoints: fewer than the calls, because a call may return the same token. */
  tokensIssued: number;
  getApiDomainIpCalls: number;
  /** Calls with a valid token, including get_api_domain_ip. */
  apiCalls: number;
  /** Calls with a token of this account that was overwritten, revoked or expired. */
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

/** Quotas are counted per day in Beijing time. */
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

/** Counts a call; returns the errcode if the quota is exceeded. */
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

/** Not stored for a path that was never called, because callers may name any path. */
export function usageOf(account: Account, path: string, nowMs: number): Usage {
  const usage = account.usage.get(path) ?? { day: 0, inDay: 0, minute: 0, inMinute: 0 };
  const day = dayOf(nowMs);
  const minute = Math.floor(nowMs / MINUTE_MS);
  if (usage.day !== day) Object.assign(usage, { day, inDay: 0 });
  if (usage.minute !== minute) Object.assign(usage, { minute, inMinute: 0 });
  return usage;
}

/** Writes an IPv4 address as IPv4 even if the socket reports `::ffff:a.b.c.d`. */
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

/** Whether `allow` accepts an entry: a single address, `a.b.c.*`, or a CIDR block. */
export function isIpEntry(entry: string): boolean {
  try {
    allow(new BlockList(), entry);
    return true;
  } catch {
    return false;
  }
}
