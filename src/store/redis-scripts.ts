import { createHash } from 'node:crypto';
import { policyFor } from '../token/policy.ts';

/** A step that Redis executes atomically. `sha` identifies it once Redis has its text. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * KEYS, all in one hash slot: 1 the token (a hash), 2 the lease (its owner, expiring), 3 the forced
 * refreshes (a sorted set of their times), 4 the fingerprint of a token that an owner reported as doubted
 * (expiring). Redis's own clock is the one that all owners share.
 */
const CLOCK = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
`;

/**
 * A time ahead of this clock was written by another clock: before a failover, or before a clock was corrected.
 * It counts as now when it is first read, and that is stored, so that it ages. Forced refreshes keep their
 * number and spacing. The cipher binds a token to its times, so `dated` is stored separately, with the
 * generation that it belongs to.
 */
const SETTLE = `
local function settle()
  local ahead = #redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. text(now), '+inf')
  for back = 0, math.min(ahead, ${policyFor('stable').quota.max}) - 1 do
    local at = text(now - back * ${policyFor('stable').quota.spacingMs})
    redis.call('ZADD', KEYS[3], at, at)
  end
  if ahead > 0 then redis.call('ZREMRANGEBYSCORE', KEYS[3], '(' .. text(now), '+inf') end
  local generation = redis.call('HGET', KEYS[1], 'generation')
  local issued = tonumber(redis.call('HGET', KEYS[1], 'issued'))
  if not generation or not issued or issued <= now then return end
  local of, at = string.match(redis.call('HGET', KEYS[1], 'dated') or '', '^(%S+) (%d+)$')
  if of ~= generation or tonumber(at) > now then
    redis.call('HSET', KEYS[1], 'dated', generation .. ' ' .. text(now))
  end
end
`;

const SNAPSHOT = `${SETTLE}
local function snapshot(generation)
  settle()
  return {
    now,
    redis.call('HMGET', KEYS[1], 'generation', 'fingerprint', 'issued', 'expires', 'value', 'dated'),
    redis.call('GET', KEYS[2]),
    redis.call('PTTL', KEYS[2]),
    redis.call('ZRANGEBYSCORE', KEYS[3], now - 86400000, '+inf'),
    generation,
    redis.call('GET', KEYS[4])
  }
end
`;

export const READ: Script = script(`${CLOCK}${SNAPSHOT} return snapshot(0)`);

/** ARGV: owner, lease milliseconds, floor. Replies with generation 0 if another owner has the lease. */
export const TAKE: Script = script(`${CLOCK}${SNAPSHOT}
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return snapshot(0) end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local stored = tonumber(redis.call('HGET', KEYS[1], 'generation') or 0)
return snapshot(math.max(now, stored + 1, tonumber(ARGV[3]) + 1))
`);

/** ARGV: owner, lease milliseconds. A lease that Redis has lost is still ours if nobody else acquired it. */
export const KEEP: Script = script(`
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** ARGV: owner. */
export const RELEASE: Script = script(`
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
`);

/**
 * ARGV: owner, milliseconds in which nobody can acquire the lease, generation, fingerprint, issued, expires,
 * value, expiry milliseconds, channel, message.
 */
export const PUBLISH: Script = script(`
local stored = tonumber(redis.call('HGET', KEYS[1], 'generation') or 0)
if tonumber(ARGV[3]) <= stored then return 0 end
redis.call('HSET', KEYS[1],
  'generation', ARGV[3], 'fingerprint', ARGV[4], 'issued', ARGV[5], 'expires', ARGV[6], 'value', ARGV[7])
redis.call('PEXPIRE', KEYS[1], ARGV[8])
if tonumber(ARGV[2]) > 0 then
  local holder = redis.call('GET', KEYS[2])
  if not holder or holder == ARGV[1] then redis.call('SET', KEYS[2], 'nobody/0', 'PX', ARGV[2]) end
end
redis.call('PUBLISH', ARGV[9], ARGV[10])
return 1
`);

/** ARGV: fingerprint, expiry milliseconds, channel, message. */
export const DOUBT: Script = script(`
redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
`);

/** ARGV: expiry milliseconds, then the times. */
export const CHARGE: Script = script(`${CLOCK}
for index = 2, #ARGV do
  local at = text(math.min(tonumber(ARGV[index]), now))
  redis.call('ZADD', KEYS[3], at, at)
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - 86400000)
redis.call('PEXPIRE', KEYS[3], ARGV[1])
return 1
`);

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
