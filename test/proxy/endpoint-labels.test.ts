import test from 'ava';
import { makeEndpointLabels } from '../../src/proxy/endpoint-labels.ts';
import { KNOWN_ENDPOINTS } from '../../src/wechat/endpoints.ts';

test('a known path is its own label from the first call on, whatever the response', (t) => {
  const labels = makeEndpointLabels();
  t.is(labels.labelOf('/cgi-bin/message/custom/send', false), '/cgi-bin/message/custom/send');
});

test('an unknown path becomes a label after it was served ten times', (t) => {
  const labels = makeEndpointLabels();
  for (let call = 0; call < 10; call += 1) t.is(labels.labelOf('/wxa/brand_new/call', true), 'other');
  t.is(labels.labelOf('/wxa/brand_new/call', true), '/wxa/brand_new/call');
});

test('so does one below /cgi-bin, the documented folder with a hyphen, and no folder alone', (t) => {
  const labels = makeEndpointLabels();
  for (let call = 0; call < 10; call += 1) t.is(labels.labelOf('/cgi-bin/brand_new/call', true), 'other');
  t.is(labels.labelOf('/cgi-bin/brand_new/call', true), '/cgi-bin/brand_new/call');
});

test('a path that the platform does not serve never becomes a label', (t) => {
  const labels = makeEndpointLabels();
  for (let call = 0; call < 50; call += 1) t.is(labels.labelOf('/wxa/no_such/call', false), 'other');
});

test('paths with identifiers never become a label, however often they are called', (t) => {
  const labels = makeEndpointLabels();
  const paths = [
    '/wxa/user/o6_bmjrPTlm6_2sgVt7hMZOPfL2M',
    '/wxa/user/ok3f9a8c2b7d6e5f4a3b2c1d0e9f',
    '/wxa/order/20250102030405',
    '/wxa/order/a1b2c3',
    '/wxa/Order/get',
    '/wxa/order/get/',
    '/wxa/order//get',
    '/wxa/order/%67et',
    '/wxa/order/get?openid=oABC',
    `/wxa/${'a'.repeat(60)}`,
    '/a/b/c/d/e/f/g',
    '/wxa',
    '/cgi-bin',
    '/cgi-bin/cgi-bin',
    '/cgi-bin/user/o6_bmjrPTlm6_2sgVt7hMZOPfL2M',
    '*',
    '',
  ];
  for (const path of paths) {
    for (let call = 0; call < 20; call += 1) t.is(labels.labelOf(path, true), 'other', path);
  }
});

test('at most a hundred frequent paths become labels', (t) => {
  const labels = makeEndpointLabels();
  const seen = new Set<string>();
  for (let n = 0; n < 2_000; n += 1) {
    const path = `/wxa/${letters(n)}/get`;
    for (let call = 0; call < 11; call += 1) seen.add(labels.labelOf(path, true));
  }
  t.is(seen.size, 101);
});

test('the known paths have the form that the platform uses, and none ends in a slash', (t) => {
  t.true(KNOWN_ENDPOINTS.size > 300);
  for (const path of KNOWN_ENDPOINTS) t.regex(path, /^(?:\/[a-z0-9_-]+)+$/);
});

/** A number as letters, since digits would keep the path from being counted. */
function letters(n: number): string {
  return String(n).replaceAll(/\d/g, (digit) => 'abcdefghij'.charAt(Number(digit)));
}
