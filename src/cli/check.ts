import { fieldsOf, isObject, parseJson } from '../base/json.ts';
import type { Clock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import type { Ask, AskOutcome } from '../wechat/ask.ts';
import { diagnose } from '../wechat/errcodes.ts';
import { makePlatformIssuer } from '../wechat/platform-issuer.ts';
import { appsWithTokens } from '../settings/login-apps.ts';
import { type ReadFile, whyUnreadable } from '../settings/reader.ts';
import type { AppSettings, HubSettings } from '../settings/accounts.ts';
import type { Settings } from '../settings/settings.ts';
import { authorityOf } from '../upstream/egress-proxy.ts';
import { readNoProxy } from '../upstream/no-proxy.ts';
import { originOf } from '../upstream/origins.ts';
import { transportWords } from '../upstream/transport-words.ts';

/** The result of one check, in one sentence for people. It contains no secret. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly text: string;
}

export interface CheckInput {
  readonly settings: Settings;
  /** From reading the settings. */
  readonly warnings: readonly string[];
  /** Fetch even in mode classic, where that replaces the current token. */
  readonly fetchClassic: boolean;
  /** Calls the platform. */
  readonly ask: Ask;
  /** GET {url}{path} on a hub, with a bearer token. */
  readonly askHub: (url: string, path: string, bearer: Secret) => Promise<AskOutcome>;
  readonly readFile: ReadFile;
  readonly clock: Clock;
}

const CLOCK_OFF_WARNING_MS = 30_000;
/** Beyond this, certificates and signed calls start to fail. */
const CLOCK_OFF_PROBLEM_MS = 300_000;
const APPIDS_SHOWN_MAX = 10;

/** Tries once what the settings describe, and returns all findings, good and bad. */
export async function check(input: CheckInput): Promise<readonly Finding[]> {
  const { settings, warnings } = input;
  const findings: Finding[] = [ok(describe(settings)), ok(describeWay(settings)), ...warnings.map(warning)];
  const skew = new SkewMeter(input.clock);
  findings.push(
    ...(settings.hub === undefined
      ? await checkAccounts(input, skew)
      : await checkHub(input, settings.hub, skew)),
  );
  findings.push(...skew.findings());
  return findings;
}

/** Problems come last, where they are seen on a terminal. */
export function renderFindings(findings: readonly Finding[]): string {
  const marks = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' };
  const order = ['ok', 'warning', 'problem'] as const;
  const lines = order.flatMap((level) =>
    findings.filter((finding) => finding.level === level).map(({ text }) => `${marks[level]}  ${text}`),
  );
  const problems = findings.filter((finding) => finding.level === 'problem').length;
  const verdict = problems === 0 ? 'All is well.' : `${problems} ${problems === 1 ? 'problem' : 'problems'}.`;
  return `${[...lines, '', verdict].join('\n')}\n`;
}

/** One JSON object for programs. */
export function findingsJson(findings: readonly Finding[]): string {
  const isWell = checkExitCode(findings) === 0;
  return `${JSON.stringify({ ok: isWell, findings: findings.map(({ level, text }) => ({ level, text })) })}\n`;
}

export function checkExitCode(findings: readonly Finding[]): 0 | 1 {
  return findings.some((finding) => finding.level === 'problem') ? 1 : 0;
}

function describe(settings: Settings): string {
  const from =
    settings.configFile === undefined ? 'the environment' : `${settings.configFile} and the environment`;
  const what =
    settings.hub === undefined
      ? countOf(settings.apps.length, 'account')
      : `a hub at ${settings.hub.urls.join(', ')}`;
  return `The settings can be read (${from}, as a ${settings.role}): ${what}.`;
}

/** How calls leave: the platform sees the address at the end of that route. */
function describeWay({ egressProxy, upstreams }: Settings): string {
  if (egressProxy === undefined) return 'Calls to the platform leave directly, through no egress proxy.';
  const isDirect = readNoProxy(egressProxy.noProxy);
  const urls = { proxied: [] as string[], direct: [] as string[] };
  for (const url of upstreams) {
    const { isSecure, hostname, port } = originOf(url);
    urls[isSecure && !isDirect(hostname, port) ? 'proxied' : 'direct'].push(url);
  }
  const way = `the egress proxy http://${authorityOf(egressProxy)} (${egressProxy.from})`;
  const direct = urls.direct.length === 0 ? '' : `; those to ${urls.direct.join(', ')} leave directly`;
  if (urls.proxied.length === 0) return `Calls to the platform leave directly, past ${way}.`;
  return `Calls to ${urls.proxied.join(', ')} leave through ${way}${direct}.`;
}

async function checkAccounts(input: CheckInput, skew: SkewMeter): Promise<Finding[]> {
  const { apps, upstreams } = input.settings;
  const findings: Finding[] = [];
  for (const [index, app] of apps.entries()) {
    const { finding, isReachable } = await checkAccount(input, app, skew);
    findings.push(finding);
    const left = apps.length - index - 1;
    if (!isReachable && left > 0) {
      findings.push(
        warning(`${countOf(left, 'account')} left untried, since the platform cannot be reached.`),
      );
      break;
    }
  }
  if (appsWithTokens(apps).length > 0 && findings.every(({ level }) => level === 'ok')) {
    findings.push(ok(`The platform can be reached (${upstreams.join(', ')}).`));
  }
  return findings;
}

/**
 * In mode stable a fetch in normal mode is harmless: it returns the current token. In mode classic it would replace the
 * current token. The two kinds of tokens are independent, so there the stable endpoint is used: it reports the same
 * about appid, AppSecret and IP address.
 */
async function checkAccount(
  input: CheckInput,
  app: AppSettings,
  skew: SkewMeter,
): Promise<{ finding: Finding; isReachable: boolean }> {
  const name = app.name === app.appid ? app.appid : `${app.appid} (${app.name})`;
  if (app.mode === 'login') {
    const text = `${name}: only logs people in (mode login); no token is fetched, and its AppSecret is first tried by a login.`;
    return { finding: ok(text), isReachable: true };
  }
  const { mode } = app;
  const issuer = makePlatformIssuer(skew.measured(input.ask));
  const isTrial = app.mode === 'classic' && !input.fetchClassic;
  const outcome = await issuer.fetch({ ...app, mode: isTrial ? 'stable' : mode }, false);
  if (outcome.kind === 'token') {
    const how = isTrial
      ? 'the platform accepts appid, AppSecret and address. No classic token was fetched, since that would ' +
        'replace the live one; --fetch does it'
      : `the platform gave a token in mode ${app.mode}, good for ${Math.round(outcome.expiresInMs / 1_000)} s`;
    return { finding: ok(`${name}: ${how}.`), isReachable: true };
  }
  if (outcome.cause === 'transport' || outcome.cause === 'route') {
    const hosts = input.settings.upstreams.join(', ');
    const words = outcome.cause === 'route' ? outcome.detail : transportWords(outcome.detail);
    return {
      finding: problem(`${name}: the platform (${hosts}) cannot be reached: ${words}.`),
      isReachable: false,
    };
  }
  const rid = outcome.rid === undefined ? '' : ` rid: ${outcome.rid}`;
  return { finding: problem(`${name}: ${diagnose(outcome).message}${rid}`), isReachable: true };
}

async function checkHub(input: CheckInput, hub: HubSettings, skew: SkewMeter): Promise<Finding[]> {
  let bearer: Secret;
  try {
    bearer = new Secret(input.readFile(hub.tokenFile).trim());
  } catch (error) {
    return [problem(`The credential for the hub (hub.tokenFile): ${whyUnreadable(hub.tokenFile, error)}.`)];
  }
  if (bearer.reveal() === '') {
    return [problem(`The credential for the hub (hub.tokenFile): the file ${hub.tokenFile} is empty.`)];
  }
  const findings: Finding[] = [];
  for (const url of hub.urls) {
    const outcome = await input.askHub(url, '/v1/apps', bearer);
    skew.add(outcome);
    findings.push(...hubFindings(url, outcome, input.settings.defaultApp));
  }
  return findings;
}

function hubFindings(url: string, outcome: AskOutcome, defaultApp: string | undefined): Finding[] {
  if (outcome.kind === 'failed') {
    return [problem(`The hub ${url} cannot be reached: ${transportWords(outcome.reason)}.`)];
  }
  if (outcome.status === 401 || outcome.status === 403) {
    return [
      problem(
        `The hub ${url} refuses our credential (HTTP ${outcome.status}): allow this client or service account in the ` +
          'settings of the hub (clients, kubernetes.allow), and check that hub.tokenFile is the right file.',
      ),
    ];
  }
  const appids = outcome.status === 200 ? appidsIn(outcome.body) : undefined;
  if (appids === undefined) {
    return [problem(`The server at ${url} is not a hub (HTTP ${outcome.status}): check hub.url.`)];
  }
  if (appids.length === 0) {
    return [
      problem(`The hub ${url} knows us but lets us use no account: add some to our apps in its settings.`),
    ];
  }
  const more = appids.length > APPIDS_SHOWN_MAX ? ' …' : '';
  const served = ok(`The hub ${url} lets us use ${appids.slice(0, APPIDS_SHOWN_MAX).join(', ')}${more}.`);
  if (defaultApp === undefined || appids.includes(defaultApp)) return [served];
  return [
    served,
    problem(
      `The hub ${url} does not let us use ${defaultApp} (defaultApp): it has no such account, or it is not among ` +
        'our apps in its settings.',
    ),
  ];
}

function appidsIn(body: Buffer): string[] | undefined {
  const list = fieldsOf(parseJson(body.toString('utf8')))['apps'];
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((item: unknown) =>
    isObject(item) && typeof item['appid'] === 'string' ? item['appid'] : [],
  );
}

/** Compares the Date header of responses with the local clock. */
class SkewMeter {
  readonly #clock: Clock;
  #aheadMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  measured(ask: Ask): Ask {
    return async (request) => {
      const outcome = await ask(request);
      this.add(outcome);
      return outcome;
    };
  }

  add(outcome: AskOutcome): void {
    if (outcome.kind === 'answer' && outcome.dateMs !== undefined) {
      this.#aheadMs ??= this.#clock.unixMs() - outcome.dateMs;
    }
  }

  findings(): Finding[] {
    if (this.#aheadMs === undefined) return [];
    const offMs = Math.abs(this.#aheadMs);
    if (offMs < CLOCK_OFF_WARNING_MS) return [ok('The clock of this machine agrees with theirs.')];
    const side = this.#aheadMs > 0 ? 'ahead of' : 'behind';
    const text =
      `The clock of this machine is ${Math.round(offMs / 1_000)} s ${side} the one that responded: certificates, ` +
      'signed calls and Kubernetes tokens go by it. Set it (NTP).';
    return [offMs < CLOCK_OFF_PROBLEM_MS ? warning(text) : problem(text)];
  }
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function ok(text: string): Finding {
  return { level: 'ok', text };
}

function warning(text: string): Finding {
  return { level: 'warning', text };
}

function problem(text: string): Finding {
  return { level: 'problem', text };
}
