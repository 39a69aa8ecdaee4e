import test from 'ava';
import { errcodeOf, errorResponse, REASONS, type Reason } from '../../src/proxy/errors.ts';

const EXPECTED: Record<Reason, [http: number, errcode: number, wechat: number]> = {
  token_unavailable: [503, -1, 200],
  upstream_unreachable: [502, -1, 200],
  upstream_broken: [502, -2, 200],
  upstream_timeout: [504, -2, 200],
  overloaded: [503, -1, 200],
  bad_request: [400, -3, 400],
  forbidden_host: [421, -3, 421],
  forbidden_origin: [403, -3, 403],
  forbidden_path: [403, -3, 403],
  foreign_token: [403, -3, 200],
  unknown_app: [404, -3, 200],
  body_too_large: [413, -3, 413],
};

test('every reason has its status and errcode, and refusals of the gate have the same under both settings', (t) => {
  t.deepEqual([...REASONS].toSorted(), Object.keys(EXPECTED).toSorted());
  for (const reason of REASONS) {
    const [http, errcode, wechat] = EXPECTED[reason];
    t.is(errorResponse(reason, 'x', 'http').status, http, reason);
    t.is(errorResponse(reason, 'x', 'wechat').status, wechat, reason);
    t.is(errcodeOf(reason), errcode, reason);
  }
});

test('an error response is compact JSON without a newline, with its reason in a header', (t) => {
  const answer = errorResponse('upstream_broken', 'the connection died', 'wechat');
  t.is(answer.body.toString(), '{"errcode":-2,"errmsg":"wechat-sidecar: the connection died"}');
  t.deepEqual(answer.headers, {
    'content-type': 'application/json',
    'content-length': '61',
    'x-wechat-sidecar-error': 'upstream_broken',
  });
});

test('the length counts bytes, not characters', (t) => {
  const answer = errorResponse('bad_request', '请求', 'http');
  t.is(answer.headers['content-length'], String(answer.body.length));
  t.is(JSON.parse(answer.body.toString()).errmsg, 'wechat-sidecar: 请求');
});

test("the platform's own errcode replaces that of the table if it is the cause", (t) => {
  const answer = errorResponse('token_unavailable', 'the AppSecret is wrong', 'http', 40125);
  t.is(JSON.parse(answer.body.toString()).errcode, 40125);
  t.is(answer.status, 503);
});
