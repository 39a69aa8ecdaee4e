import test from 'ava';
import fc from 'fast-check';
import { parseRedisUrl } from '../../src/store/redis-url.ts';

test('each part of a Redis URL is read', (t) => {
  const word = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
  const host = fc.constantFrom(
    'redis',
    'redis.example.com',
    'redis-0.redis.svc',
    '10.0.0.1',
    '[::1]',
    'my_group',
  );
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.option(fc.tuple(word, word)),
      host,
      fc.option(fc.integer({ min: 1, max: 65_535 })),
      fc.option(fc.integer({ min: 0, max: 9_999 })),
      (isTls, user, name, port, database) => {
        const userInfo = user === null ? '' : `${user.map(encodeURIComponent).join(':')}@`;
        const tail = `${port === null ? '' : `:${port}`}${database === null ? '' : `/${database}`}`;
        t.deepEqual(parseRedisUrl(`redis${isTls ? 's' : ''}://${userInfo}${name}${tail}`), {
          kind: 'url',
          url: {
            isTls,
            host: name.replace(/[[\]]/g, ''),
            port: port ?? 6379,
            username: user?.[0] ?? '',
            password: user?.[1] ?? '',
            database: database ?? 0,
          },
        });
      },
    ),
  );
});

test('nothing after the host is ignored silently', (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 6 }), (rest) => {
      const isDatabase = /^(?:0|[1-9]\d{0,3})?$/.test(rest);
      t.is(parseRedisUrl(`redis://redis:6379/${rest}`).kind === 'url', isDatabase, rest);
      t.is(parseRedisUrl(`redis://redis/${rest}/`).kind, 'bad', rest);
    }),
  );
});

const SECRET = 'hunter2';

for (const [what, url, why] of [
  ['a database by name', 'redis://host/zz', /not a database/],
  ['a database out of range', 'redis://host/10000', /from 0 to 9999/],
  ['a negative database', 'redis://host/-1', /not a database/],
  ['a database with a sign', 'redis://host/+1', /not a database/],
  ['a database with more behind it', 'redis://host/0x', /not a database/],
  ['a database with a slash behind it', 'redis://host/0/', /not a database/],
  ['a database after dot segments', 'redis://host/x/../0', /not a database/],
  ['an encoded database', 'redis://host/%30', /not a database/],
  ['a database as an option', 'redis://host?db=1', /options/],
  ['an option', 'redis://host/0?ssl=true', /options/],
  ['an empty query', 'redis://host/0?', /options/],
  ['a fragment', 'redis://host/0#1', /fragment/],
  ['no host', 'redis:///0', /host/],
  ['nothing', 'redis://', /host/],
  ['several hosts', 'redis://a:1,b:2/0', /cannot be read/],
  ['several hosts without ports', 'redis://a,b/0', /store\.sentinels/],
  ['port 0', 'redis://host:0/0', /port is 0/],
  ['a port out of range', 'redis://host:70000/0', /cannot be read/],
  ['white space', 'redis://host /0', /cannot be read/],
  ['a slash in the password', `redis://:${SECRET}/x@host/0`, /%2F/],
  ['a question mark in the password', `redis://:${SECRET}?x@host/0`, /%3F/],
  ['a hash in the password', `redis://:${SECRET}#x@host/0`, /%23/],
  ['a bare percent sign in the password', `redis://:${SECRET}%zz@host/0`, /%25/],
  ['another scheme', 'http://host/0', /redis:\/\//],
  ['no slashes', 'redis:host:6379', /redis:\/\//],
] as const) {
  test(`${what} is refused with an explanation`, (t) => {
    const parsed = parseRedisUrl(url);
    if (parsed.kind === 'url') return t.fail(JSON.stringify(parsed.url));
    t.regex(parsed.why, why);
    t.false(parsed.why.includes(SECRET));
  });
}
