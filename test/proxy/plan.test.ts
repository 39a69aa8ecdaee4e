import test from 'ava';
import fc from 'fast-check';
import { fingerprintOf } from '../../src/base/secret.ts';
import { type PlanRules, planCall } from '../../src/proxy/plan.ts';
import { canonicalPath, kindOfReadings } from '../../src/wechat/path.ts';
import { readingsOf } from '../../src/wechat/path-readings.ts';
import { standInFor } from '../../src/wechat/stand-in.ts';

const RULES: PlanRules = { defaultApp: 'wxdefault', foreignTokens: 'pass' };
const MANAGED = '92_this-is-a-managed-token';
const FOREIGN = '92_foreign_token_of_somebody_else_0123456789';

function plan(url: string, header: string[] = [], rules: Partial<PlanRules> = {}): string {
  const [rawPath = '', query] = url.split('?');
  const kind = kindOfReadings(readingsOf(rawPath) ?? []) ?? { kind: 'ordinary' };
  const target = { rawPath, query, path: canonicalPath(rawPath) ?? '', kind };
  const ownerOf = (fingerprint: string): string | undefined =>
    fingerprint === fingerprintOf(MANAGED) ? 'wxmanaged' : undefined;
  const made = planCall(target, header, ownerOf, { ...RULES, ...rules });
  switch (made.kind) {
    case 'refused':
      return made.reason;
    case 'token':
      return made.endpoint;
    case 'inject':
      return `inject ${made.appid} ${made.query}${made.standIn ? ' stand-in' : ''}`;
    case 'signature':
      return `signature ${made.appid} ${made.query}`;
    case 'secret':
      return `secret ${made.appid} ${made.secretParam} ${made.query}`;
    case 'pass':
      return `pass ${made.appid} ${made.query}${made.foreign ? ' foreign' : ''}`;
  }
}

test('the account comes from the header, else from the token, else from from_appid, else it is the default one', (t) => {
  const standIn = standInFor('wxstandin');
  t.is(plan('/wxa/x'), 'inject wxdefault undefined');
  t.is(plan('/wxa/x?from_appid=wxquery&a=1'), 'inject wxquery a=1');
  t.is(
    plan(`/wxa/x?access_token=${standIn}&from_appid=wxquery`),
    `inject wxstandin access_token=${standIn} stand-in`,
  );
  t.is(plan(`/wxa/x?access_token=${MANAGED}`), `inject wxmanaged access_token=${MANAGED}`);
  t.is(
    plan(`/wxa/x?access_token=${standIn}`, ['wxheader']),
    `inject wxheader access_token=${standIn} stand-in`,
  );
  t.is(plan('/wxa/x', [], { defaultApp: undefined }), 'unknown_app');
  t.is(plan('/wxa/x', ['wxa', 'wxb']), 'bad_request');
});

test('a token of ours is recognised inside what an SDK made of it, an empty one does not count, others are foreign', (t) => {
  t.regex(plan(`/wxa/x?access_token=n=${standInFor('wxs')}`), /^inject wxs .* stand-in$/);
  t.regex(plan(`/wxa/x?access_token=n%3D${MANAGED}`), /^inject wxmanaged /);
  t.is(plan('/wxa/x?access_token='), 'inject wxdefault access_token=');
  t.is(plan(`/wxa/x?access_token=${FOREIGN}`), `pass wxdefault access_token=${FOREIGN} foreign`);
  t.is(plan(`/wxa/x?access_token=${FOREIGN}`, [], { foreignTokens: 'reject' }), 'foreign_token');
  t.is(
    plan(`/wxa/x?access_token=${FOREIGN}`, [], { foreignTokens: 'replace' }),
    `inject wxdefault access_token=${FOREIGN}`,
  );
  t.regex(plan(`/wxa/x?access_token=${FOREIGN}&access_token=${standInFor('wxs')}`), /^inject wxs /);
});

test('a value that is too short for a token is not one, whatever the setting', (t) => {
  for (const foreignTokens of ['pass', 'replace', 'reject'] as const) {
    for (const value of [
      '',
      'undefined',
      'null',
      'ACCESS_TOKEN',
      '%20%20',
      'x'.repeat(31),
      '%58'.repeat(31),
    ]) {
      t.is(
        plan(`/wxa/x?access_token=${value}&a=1`, [], { foreignTokens }),
        `inject wxdefault access_token=${value}&a=1`,
      );
    }
  }
  t.is(plan(`/wxa/x?access_token=${'x'.repeat(32)}`, [], { foreignTokens: 'reject' }), 'foreign_token');
});

test('a token of ours is recognised whatever printable characters it has, escaped or not', (t) => {
  for (const token of [
    '16-characters-00',
    'has/slashes+and=signs==',
    'odd:;,.!$()*@[]{}~ok',
    'a+b/c==d+e/f==g+h',
  ]) {
    const ownerOf = (fingerprint: string): string | undefined =>
      fingerprint === fingerprintOf(token) ? 'wxodd' : undefined;
    for (const written of [encodeURIComponent(token), token.replaceAll(/[&#;]/g, encodeURIComponent)]) {
      for (const value of [written, `n=${written}`, `n%3D${written}`]) {
        const query = `access_token=${value}`;
        const target = { rawPath: '/wxa/x', query, path: '/wxa/x', kind: { kind: 'ordinary' } } as const;
        t.like(planCall(target, [], ownerOf, RULES), { kind: 'inject', appid: 'wxodd' }, query);
      }
    }
  }
});

test("a user's own token passes, whatever its length and the setting", (t) => {
  for (const foreignTokens of ['pass', 'replace', 'reject'] as const) {
    for (const token of ['U', 'undefined', FOREIGN]) {
      for (const more of ['', '&component_access_token=C', `&cloudbase_access_token=${FOREIGN}`]) {
        const query = `access_token=${token}${more}`;
        t.is(plan(`/sns/userinfo?${query}`, [], { foreignTokens }), `pass wxdefault ${query}`);
      }
      t.is(
        plan(`/sns/jscode2session?access_token=${token}`, [], { foreignTokens }),
        `secret wxdefault secret access_token=${token}`,
      );
    }
  }
  t.is(plan('/sns/auth?access_token=U', [], { defaultApp: undefined }), 'pass undefined access_token=U');
});

test('a token of another kind keeps ours out, and disables nothing', (t) => {
  for (const second of ['component_access_token=C', `cloudbase_access_token=${FOREIGN}`]) {
    for (const foreignTokens of ['pass', 'replace', 'reject'] as const) {
      t.is(plan(`/wxa/x?${second}`, [], { foreignTokens }), `pass wxdefault ${second}`);
      const placeholder = `access_token=undefined&${second}`;
      t.is(plan(`/wxa/x?${placeholder}`, [], { foreignTokens }), `pass wxdefault ${placeholder}`);
    }
    const foreign = `/wxa/x?a=1&access_token=${FOREIGN}&${second}`;
    t.is(plan(foreign), `pass wxdefault a=1&access_token=${FOREIGN}&${second}`);
    t.is(plan(foreign, [], { foreignTokens: 'reject' }), 'foreign_token');
    t.is(plan(foreign, [], { foreignTokens: 'replace' }), `pass wxdefault a=1&${second}`);
  }
});

test('calls of a third-party platform get no token of ours, and keep theirs if the setting allows it', (t) => {
  t.is(plan('/cgi-bin/component/x?access_token=C'), 'pass wxdefault access_token=C');
  const call = `/cgi-bin/component/x?access_token=${FOREIGN}`;
  t.is(plan(call), `pass wxdefault access_token=${FOREIGN}`);
  t.is(plan(call, [], { foreignTokens: 'reject' }), 'foreign_token');
  t.is(plan(call, [], { foreignTokens: 'replace' }), 'pass wxdefault undefined');
  t.is(
    plan(`/cgi-bin/clear_quota/v2?access_token=${FOREIGN}`, [], { foreignTokens: 'reject' }),
    'foreign_token',
  );
});

test('neither a stand-in nor a token of ours is sent where none of our tokens belongs', (t) => {
  const tokenless = ['/sns/userinfo', '/cgi-bin/component/x', '/wxa/x?component_access_token=C'];
  for (const foreignTokens of ['pass', 'replace', 'reject'] as const) {
    for (const [token, owner] of [
      [standInFor('wxs'), 'wxs'],
      [MANAGED, 'wxmanaged'],
      [`n%3D${MANAGED}`, 'wxmanaged'],
    ]) {
      for (const path of tokenless) {
        const rest = path.split('?')[1];
        const url = `${path}${rest === undefined ? '?' : '&'}access_token=${token}`;
        t.is(plan(url, [], { foreignTokens }), `pass ${owner} ${rest}`);
        t.is(
          plan(`${url}&access_token=`, [], { foreignTokens }),
          `pass ${owner} ${rest ?? ''}${rest === undefined ? '' : '&'}access_token=`,
        );
      }
      t.is(plan(`/sns/jscode2session?access_token=${token}`), `secret ${owner} secret undefined`);
      t.is(plan(`/cgi-bin/clear_quota/v2?access_token=${token}`), `secret ${owner} appsecret undefined`);
      // It is no token of another kind, so the call gets ours.
      t.regex(
        plan(`/wxa/x?a=1&component_access_token=${token}`),
        new RegExp(`^inject ${owner} a=1( stand-in)?$`),
      );
      t.is(plan(`/cgi-bin/component/x?component_access_token=${token}`), `pass ${owner} undefined`);
    }
  }
});

test('whatever tokens a call has, none of ours is sent beside it, and no foreign one against the setting', (t) => {
  const names = ['access_token', 'access%5Ftoken', 'component_access_token', 'cloudbase_access_token', 'x'];
  const values = [standInFor('wxs'), MANAGED, `n=${MANAGED}`, FOREIGN, 'undefined', ''];
  const pairs = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength: 5 });
  const paths = [
    '/wxa/x',
    '/sns/userinfo',
    '/cgi-bin/component/x',
    '/sns/jscode2session',
    '/cgi-bin/clear_quota/v2',
  ];
  const settings = ['pass', 'replace', 'reject'] as const;
  fc.assert(
    fc.property(
      pairs,
      fc.constantFrom(...paths),
      fc.constantFrom(...settings),
      (given, path, foreignTokens) => {
        const url = `${path}?${given.map((pair) => pair.join('=')).join('&')}`;
        const made = plan(url, [], { foreignTokens });
        // What is injected is written over by ours.
        const left = made.startsWith('inject') ? made.replaceAll(/\baccess(?:_|%5F)token=[^& ]*/g, '') : made;
        t.notRegex(left, new RegExp(`token=(?:n=)?(?:${MANAGED}|wechat-sidecar-stand-in)`), url);
        const forbidsForeign = foreignTokens !== 'pass' && !path.startsWith('/sns/');
        if (forbidsForeign) t.notRegex(left, new RegExp(`[ &]access(?:_|%5F)token=${FOREIGN}`), url);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('token endpoints are served locally, and secrets are sent only where they belong', (t) => {
  t.is(plan('/cgi-bin/token?appid=x'), 'token');
  t.is(plan('//cgi-bin/stable_token'), 'stable_token');
  t.is(plan('/sns/jscode2session?js_code=c'), 'secret wxdefault secret js_code=c');
  t.is(plan('/sns/oauth2/access_token?appid=wxq&code=c', ['wxh']), 'secret wxq secret appid=wxq&code=c');
  t.is(plan('/cgi-bin/clear_quota/v2', ['wxh']), 'secret wxh appsecret undefined');
  t.is(plan('/sns/jscode2session', [], { defaultApp: undefined }), 'unknown_app');
});

test('calls of WeCom are refused with a message that says so', (t) => {
  for (const path of ['/cgi-bin/gettoken?corpid=ww1&corpsecret=s', '/cgi-bin/service/get_provider_token']) {
    t.is(plan(path), 'unknown_app', path);
  }
});

test('a value that is not an appid names no account, and an empty one does not count', (t) => {
  for (const odd of ['%E4%B8%AD', 'a%0d%0ab', 'a;b', 'x'.repeat(65), 'a']) {
    t.is(plan(`/wxa/x?from_appid=${odd}`), 'unknown_app', odd);
    t.is(plan(`/sns/userinfo?from_appid=${odd}`), 'unknown_app', odd);
    t.is(plan(`/sns/jscode2session?appid=${odd}`), 'unknown_app', odd);
  }
  t.is(plan('/wxa/x', ['evil;replay=9']), 'unknown_app');
  t.is(plan('/wxa/x?from_appid=', ['']), 'inject wxdefault undefined');
  t.is(plan('/wxa/x?component_access_token='), 'inject wxdefault component_access_token=');
});
