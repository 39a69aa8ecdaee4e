import test from 'ava';
import { fingerprintOf } from '../../src/base/secret.ts';
import { type PlanRules, planCall } from '../../src/proxy/plan.ts';
import { canonicalPath } from '../../src/wechat/path.ts';
import { standInFor } from '../../src/wechat/stand-in.ts';

const RULES: PlanRules = { defaultApp: 'wxdefault', foreignTokens: 'pass' };
const MANAGED = '92_this-is-a-managed-token';

function plan(url: string, header: string[] = [], rules: Partial<PlanRules> = {}): string {
  const [rawPath = '', query] = url.split('?');
  const target = { rawPath, query, path: canonicalPath(rawPath) ?? '' };
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
    case 'secret':
      return `secret ${made.appid} ${made.secretParam} ${made.query}`;
    case 'pass':
      return `pass ${made.appid} ${made.query}`;
  }
}

test('the account is that of the header, else of the token, else of from_appid, else the default one', (t) => {
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

test('a token of ours is recognised inside what an SDK made of it, an empty one is none, others are foreign', (t) => {
  t.regex(plan(`/wxa/x?access_token=n=${standInFor('wxs')}`), /^inject wxs .* stand-in$/);
  t.regex(plan(`/wxa/x?access_token=n%3D${MANAGED}`), /^inject wxmanaged /);
  t.is(plan('/wxa/x?access_token='), 'inject wxdefault access_token=');
  t.is(
    plan('/wxa/x?access_token=92_foreign_token_of_somebody'),
    'pass wxdefault access_token=92_foreign_token_of_somebody',
  );
  t.is(plan('/wxa/x?access_token=F', [], { foreignTokens: 'reject' }), 'foreign_token');
  t.is(plan('/wxa/x?access_token=F', [], { foreignTokens: 'replace' }), 'inject wxdefault access_token=F');
  t.regex(plan(`/wxa/x?access_token=F&access_token=${standInFor('wxs')}`), /^inject wxs /);
});

test('calls that take another token, or none, are left alone under every setting', (t) => {
  for (const foreignTokens of ['pass', 'replace', 'reject'] as const) {
    const rules = { foreignTokens };
    t.is(plan('/sns/userinfo?access_token=USER', [], rules), 'pass wxdefault access_token=USER');
    t.is(plan('/cgi-bin/component/x?access_token=C', [], rules), 'pass wxdefault access_token=C');
    t.is(plan('/wxa/x?component_access_token=C', [], rules), 'pass wxdefault component_access_token=C');
    t.is(plan('/wxa/x?cloudbase_access_token=C', [], rules), 'pass wxdefault cloudbase_access_token=C');
  }
  t.is(plan('/sns/auth?access_token=U', [], { defaultApp: undefined }), 'pass undefined access_token=U');
});

test('token endpoints are answered here, and secrets go where they belong', (t) => {
  t.is(plan('/cgi-bin/token?appid=x'), 'token');
  t.is(plan('//cgi-bin/stable_token'), 'stable_token');
  t.is(plan('/sns/jscode2session?js_code=c'), 'secret wxdefault secret js_code=c');
  t.is(plan('/sns/oauth2/access_token?appid=wxq&code=c', ['wxh']), 'secret wxq secret appid=wxq&code=c');
  t.is(plan('/cgi-bin/clear_quota/v2', ['wxh']), 'secret wxh appsecret undefined');
  t.is(plan('/sns/jscode2session', [], { defaultApp: undefined }), 'unknown_app');
});

test('what is no appid names nobody, and what is empty is not given', (t) => {
  for (const odd of ['%E4%B8%AD', 'a%0d%0ab', 'a;b', 'x'.repeat(65), 'a']) {
    t.is(plan(`/wxa/x?from_appid=${odd}`), 'unknown_app', odd);
    t.is(plan(`/sns/userinfo?from_appid=${odd}`), 'unknown_app', odd);
    t.is(plan(`/sns/jscode2session?appid=${odd}`), 'unknown_app', odd);
  }
  t.is(plan('/wxa/x', ['evil;replay=9']), 'unknown_app');
  t.is(plan('/wxa/x?from_appid=', ['']), 'inject wxdefault undefined');
  t.is(
    plan('/wxa/x?component_access_token=&access_token=F', [], { foreignTokens: 'reject' }),
    'foreign_token',
  );
});
