import type { Trouble } from '../token/state.ts';
import type { Failure } from './issuer.ts';

/** An errcode of the token endpoints that only people can cure. */
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

/** By the tables of /cgi-bin/token and /cgi-bin/stable_token in the platform's documentation. */
const CONFIGURATION_ERRORS: Readonly<Record<number, ConfigurationError>> = {
  40001: {
    recheckMs: 5 * MINUTE_MS,
    cause: 'the AppSecret is wrong, or belongs to another account',
    remedy: `compare appid and AppSecret with ${CONSOLE}`,
  },
  40002: {
    recheckMs: HOUR_MS,
    cause: 'the platform does not know the grant_type client_credential',
    remedy: 'check that the upstreams are WeChat API hosts, and not something that alters requests',
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
    cause: 'the address that our calls come from is not on the IP allow-list of the account',
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
    remedy: 'check the appid setting, and that nothing on the way alters requests',
  },
  41004: {
    recheckMs: HOUR_MS,
    cause: 'the AppSecret did not reach the platform',
    remedy: 'check the AppSecret setting, and that nothing on the way alters requests',
  },
  45009: {
    recheckMs: 15 * MINUTE_MS,
    cause: "the account's quota of calls for tokens is used up for today",
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

/** Of the family 8950x whose members are not all documented: what needs the administrator's consent. */
const RISK_CONTROL: ConfigurationError = {
  recheckMs: 10 * MINUTE_MS,
  cause: "the platform wants the administrator's consent for calls from this address",
  remedy: "ask the account's administrator to look for a message from WeChat",
};

const UNKNOWN: ConfigurationError = {
  recheckMs: MINUTE_MS,
  cause: 'the platform refused to give a token',
  remedy: "look the errcode up in the platform's list of return codes",
};

/** Busy, and the per-minute quota: they pass. */
const PASSING_ERRCODES: ReadonlySet<number> = new Set([-1, 45011]);

/** What a failure means for the life of a token, and in words for people. */
export function troubleOf(failure: Failure): Trouble {
  switch (failure.cause) {
    case 'transport':
      return {
        errcode: -1,
        message: `The platform could not be reached for an access_token (${failure.detail}): check the route, DNS and TLS to the upstreams; it is tried again by itself.`,
      };
    case 'route':
      return {
        errcode: -1,
        recheckMs: MINUTE_MS,
        message: `No access_token: the platform could not be reached, since ${failure.detail}.`,
      };
    case 'unreadable':
      return {
        errcode: -1,
        message: `The platform's answer to the request for an access_token made no sense (${failure.detail}): check that the upstreams are WeChat API hosts; it is tried again by itself.`,
      };
    case 'throttled':
      return {
        errcode: -1,
        throttled: true,
        message: `The platform, or a gateway before it, limits our calls for an access_token (${failure.detail}): find out what else calls from this address; it is tried again by itself.`,
      };
    case 'platform':
      return troubleOfErrcode(failure.errcode ?? -1, failure.ip);
  }
}

function troubleOfErrcode(errcode: number, ip: string | undefined): Trouble {
  if (PASSING_ERRCODES.has(errcode)) {
    const cause = errcode === -1 ? 'is busy' : 'limits calls for tokens per minute';
    return { errcode, message: `The platform ${cause} (errcode ${errcode}): it is tried again by itself.` };
  }
  const { cause, remedy, recheckMs } = configurationError(errcode);
  const address = ip === undefined ? '' : ` The platform sees our calls coming from ${ip}.`;
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
