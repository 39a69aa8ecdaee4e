import test from 'ava';
import fc from 'fast-check';
import { oddityOf } from '../../src/settings/app-secret.ts';
import { APPID, APPSECRET, problemsOf, settingsOf, warningsOf } from '../support/settings-source.ts';

const env = { WECHAT_APPID: APPID };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

for (const [what, secret, words] of [
  ['double quotes', `"${APPSECRET}"`, /quotes around it/],
  ['single quotes', `'${APPSECRET}'`, /quotes around it/],
  ['back quotes', `\`${APPSECRET}\``, /quotes around it/],
  ['typographic quotes', `“${APPSECRET}”`, /quotes around it/],
  ['one quote', `${APPSECRET}"`, /quotes around it/],
  ['a space within', APPSECRET.replace('8', ' '), /white space/],
  ['two lines', `${APPSECRET}\n${APPSECRET}`, /white space/],
  ['an invisible character', `${APPSECRET}\u200b`, /not visible ASCII \(U\+200B\)/],
  ['a letter that only looks right', APPSECRET.replace('a', 'а'), /U\+0430/],
] as const) {
  test(`an AppSecret with ${what} is refused, and the message does not quote it`, (t) => {
    const [problem = ''] = problemsOf({ env: { ...env, WECHAT_APPSECRET: secret } });
    t.regex(problem, /^WECHAT_APPSECRET: got a value of \d+ characters, accepted is /);
    t.regex(problem, words);
    const [inFile = ''] = problemsOf({
      env: { ...env, WECHAT_APPSECRET_FILE: '/s' },
      files: { '/s': secret },
    });
    t.regex(inFile, /^WECHAT_APPSECRET_FILE: the file \/s holds \d+ characters, accepted is /);
    t.regex(inFile, words);
    for (const said of [problem, inFile]) t.false(said.includes(APPSECRET.slice(0, 6)));
  });
}

for (const [secret, words] of [
  ['YOUR_SECRET', /placeholder/],
  ['your-app-secret', /placeholder/],
  ['YOUR_APPSECRET_HERE', /placeholder/],
  ['AppSecret', /placeholder/],
  ['changeme', /placeholder/],
  ['xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', /placeholder/],
  ['00000000000000000000000000000000', /placeholder/],
  ['${WECHAT_APPSECRET}', /placeholder/],
  ['$(APPSECRET)', /placeholder/],
  ['<secret>', /placeholder/],
  ['{{.secret}}', /placeholder/],
  [base64(APPSECRET), /base64/],
  [base64(`${APPSECRET}\n`), /base64/],
  [base64(base64(APPSECRET)), /base64/],
  [APPSECRET.toUpperCase(), /upper-case/],
  [`WECHAT_APPSECRET=${APPSECRET}`, /NAME=value/],
  [`{"secret":"${APPSECRET}"}`, /NAME=value/],
  ['ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)', /encrypted for another program/],
  [APPID.replace('f', 'e'), /appid/],
  [APPSECRET + APPSECRET, /64 hex digits/],
  [`${APPSECRET};`, /1 characters more/],
  [APPSECRET.slice(1), /\(length 31\) does not look like one/],
  [`${APPSECRET}a`, /\(length 33\) does not look like one/],
] as const) {
  test(`an AppSecret like ${secret} causes a warning`, (t) => {
    const warnings = warningsOf({ env: { ...env, WECHAT_APPSECRET: secret } });
    t.is(warnings.length, 1);
    t.regex(warnings[0] ?? '', /^WECHAT_APPSECRET: its AppSecret /);
    t.regex(warnings[0] ?? '', words);
    if (secret.length > 20) t.false(warnings[0]?.includes(secret.slice(-16)));
    const inFile = warningsOf({ env: { ...env, WECHAT_APPSECRET_FILE: '/s' }, files: { '/s': secret } });
    t.regex(inFile[0] ?? '', /^WECHAT_APPSECRET_FILE: its AppSecret /);
  });
}

test('no real AppSecret causes a warning', (t) => {
  const digit = fc.constantFrom(...'0123456789abcdef'.split(''));
  fc.assert(
    fc.property(fc.array(digit, { minLength: 32, maxLength: 32 }), (digits) => {
      const secret = digits.join('');
      if (new Set(digits).size > 1) t.is(oddityOf(secret), undefined);
    }),
  );
  t.deepEqual(warningsOf({ env: { ...env, WECHAT_APPSECRET: APPSECRET } }), []);
});

test('a made-up AppSecret for a test platform is accepted', (t) => {
  for (const secret of ['s', 'simulator-secret', '0x10', 'abc=']) {
    t.is(
      settingsOf({ env: { WECHAT_APPID: 'shop', WECHAT_APPSECRET: secret } }).apps[0]?.secret.reveal(),
      secret,
    );
    t.is(warningsOf({ env: { WECHAT_APPID: 'shop', WECHAT_APPSECRET: secret } }).length, 1);
  }
});

test('a client key that no caller could send, or that is in quotes, causes a warning', (t) => {
  const said = (key: string): string =>
    warningsOf({
      role: 'hub',
      env: { ...env, WECHAT_APPSECRET: APPSECRET, WECHAT_HUB_CLIENT_KEY_FILE: '/k' },
      files: { '/k': key },
    }).join('\n');
  t.regex(said('"0123456789abcdef01234567"'), /WECHAT_HUB_CLIENT_KEY_FILE: the key has quotes around it/);
  t.regex(
    said('two words of a key'),
    /WECHAT_HUB_CLIENT_KEY_FILE: the key contains characters .* no caller can send/,
  );
  t.regex(said('schlüssel-0123456789abcdef'), /no caller can send/);
  t.notRegex(said('0123456789abcdef01234567'), /the key has/);
});
