import type { Diagnosis } from '../token/state.ts';
import type { Failure } from './issuer.ts';

/** An errcode of the token endpoints that only people can fix. */
interface ConfigurationError {
  readonly recheckMs: number;
  /** The cause. */
  readonly cause: string;
  /** What to do about it. */
  readonly remedy: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const CONSOLE = 'the WeChat console (mp.weixin.qq.com or developers.weixin.qq.com)';

/** Source: the tables of /cgi-bin/token and /cgi-bin/stable_token in the platform's documentation. */
const CONFIGURATION_ERRORS: Readonly<Record<number, ConfigurationError>> = {
  40001: {
    recheckMs: 5 * MINUTE_MS,
    cause: 'the AppSecret is wrong, or belongs to another account',
    remedy: `compare appid and AppSecret with ${CONSOLE}`,
  },
  40002: {
    recheckMs: HOUR_MS,
    cause: 'the platform does not know the grant_type client_credential',
    remedy: 'check that the upstreams are WeChat API hosts, and that no proxy in between alters requests',
  },
  40013: {
    recheckMs: 10 * MINUTE_MS,
    cause: 'the platform does not know this appid',
    remedy: `compare the appid with ${CONSOLE}`,
  },
  40125: {
    recheckMs: 5 * MINUTE_MS,
    cause: 'the AppSecret is wrong; it may have been reset',
    remedy: `set the AppSecret that ${CONSOLE} shows, or reset it there`,
  },
  40164: {
    recheckMs: MINUTE_MS,
    cause: 'our egress address is not on the IP allow-list of the account',
    remedy: `add it to the IP allow-list in ${CONSOLE}`,
  },
  40243: {
    recheckMs: 5 * MINUTE_MS,
    cause: 'the AppSecret is frozen',
    remedy: `unfreeze it in ${CONSOLE}; that takes effect after about ten minutes`,
  },
  41002: {
    recheckMs: HOUR_MS,
    cause: 'the appid did not reach the platform',
    remedy: 'check the appid setting, and that no proxy in between alters requests',
  },
  41004: {
    recheckMs: HOUR_MS,
    cause: 'the AppSecret did not reach the platform',
    remedy: 'check the AppSecret setting, and that no proxy in between alters requests',
  },
  45009: {
    recheckMs: 15 * MINUTE_MS,
    cause: "the account's daily quota for fetching tokens is used up",
    remedy:
      'find out which other programs fetch tokens for this account, use mode stable, or clear the quota in the console',
  },
  50004: {
    recheckMs: HOUR_MS,
    cause: 'the account is not allowed to fetch tokens',
    remedy: `look for a notice about the account in ${CONSOLE}`,
  },
  50007: {
    recheckMs: HOUR_MS,
    cause: 'the account is frozen',
    remedy: `look for a notice about the account in ${CONSOLE}`,
  },
  61024: {
    recheckMs: HOUR_MS,
    cause: 'the appid belongs to a third-party platform, whose tokens come from api_component_token',
    remedy: 'set the appid of an account, not of a third-party platform',
  },
  89501: {
    recheckMs: 5 * MINUTE_MS,
    cause: "a call from this address awaits the administrator's confirmation",
    remedy: "ask the account's administrator to confirm it in WeChat",
  },
  89503: {
    recheckMs: 5 * MINUTE_MS,
    cause: "a call from this address needs the administrator's confirmation",
    remedy: "ask the account's administrator to confirm it in the template message that WeChat has sent",
  },
  89506: {
    recheckMs: HOUR_MS,
    cause: 'the administrator refused this address repeatedly, so the platform blocks it for 24 hours',
    remedy: `wait, or add the address to the IP allow-list in ${CONSOLE}`,
  },
  89507: {
    recheckMs: HOUR_MS,
    cause: 'the administrator refused this address, so the platform blocks it for an hour',
    remedy: `wait, or add the address to the IP allow-list in ${CONSOLE}`,
  },
};

/** The 8950x codes, not all of which are documented: calls that need the administrator's consent. */
const RISK_CONTROL: ConfigurationError = {
  recheckMs: 10 * MINUTE_MS,
  cause: "the platform requires the administrator's consent for calls from this address",
  remedy: "ask the account's administrator to look for a message from WeChat",
};

const UNKNOWN: ConfigurationError = {
  recheckMs: MINUTE_MS,
  cause: 'the platform refused to issue a token',
  remedy: "look the errcode up in the platform's list of return codes",
};

/** Transient: busy, and the per-minute quota. */
const PASSING_ERRCODES: ReadonlySet<number> = new Set([-1, 45011]);

/** What a failure means for the state machine, with a message for people. */
export function diagnose(failure: Failure): Diagnosis {
  switch (failure.cause) {
    case 'transport':
      return {
        errcode: -1,
        message: `The platform could not be reached for an access_token (${failure.detail}): check the route, DNS and TLS to the upstreams; retrying automatically.`,
      };
    case 'route':
      return {
        errcode: -1,
        recheckMs: MINUTE_MS,
        message: `No access_token: the platform could not be reached, because ${failure.detail}.`,
      };
    case 'unreadable':
      return {
        errcode: -1,
        message: `The platform's response to the access_token request is unusable (${failure.detail}): check that the upstreams are WeChat API hosts; retrying automatically.`,
      };
    case 'throttled':
      return {
        errcode: -1,
        throttled: true,
        message: `The platform, or a gateway in front of it, rate-limits our access_token requests (${failure.detail}): find out what else calls from this address; retrying automatically.`,
      };
    case 'platform':
      return troubleOfErrcode(failure.errcode ?? -1, failure.ip);
  }
}

function troubleOfErrcode(errcode: number, ip: string | undefined): Diagnosis {
  if (PASSING_ERRCODES.has(errcode)) {
    const cause = errcode === -1 ? 'is busy' : 'limits token requests per minute';
    return { errcode, message: `The platform ${cause} (errcode ${errcode}): retrying automatically.` };
  }
  const { cause, remedy, recheckMs } = configurationError(errcode);
  const address = ip === undefined ? '' : ` The platform sees our calls come from ${ip}.`;
  return {
    errcode,
    recheckMs,
    message: `No access_token (errcode ${errcode}): ${cause}.${address} What to do: ${remedy}.`,
  };
}

function configurationError(errcode: number): ConfigurationError {
  const isRiskControl = errcode >= 89500 && errcode <= 89509;
  return CONFIGURATION_ERRORS[errcode] ?? (isRiskControl ? RISK_CONTROL : UNKNOWN);
}
