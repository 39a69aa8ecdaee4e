import { createHash } from 'node:crypto';
import test from 'ava';
import jssdk from 'wechat-jssdk';
import { seededRandom } from '../../src/base/random.ts';
import { Secret } from '../../src/base/secret.ts';
import { readPageUrl, signatureOf } from '../../src/wechat/page-signature.ts';
import { randomPage } from '../support/random-page.ts';

const TICKET = new Secret(
  'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg',
);

function read(text: string, hosts?: readonly string[]): string {
  const page = readPageUrl(text, hosts && new Set(hosts));
  return page.kind === 'page' ? page.url : `bad: ${page.why}`;
}

test("the platform's published example has its published signature", (t) => {
  const url = read('http://mp.weixin.qq.com?params=value');
  t.is(
    signatureOf(TICKET, 'Wm3WZYTPz0wzccnW', 1_414_587_457, url),
    '0f9de62fce790f9a083d5c99e95740ceb90c27ed',
  );
});

/** By WxJava's rule (`npm run test:examples` asks WxJava itself): all values by the order of their names, joined as they are. */
function bySortedNames(fields: Readonly<Record<string, string>>): string {
  const names = Object.keys(fields).toSorted();
  return createHash('sha1')
    .update(names.map((name) => `${name}=${fields[name]}`).join('&'))
    .digest('hex');
}

test("wechat-jssdk and WxJava's rule compute the same signature for 1,000 random pages", (t) => {
  const random = seededRandom(11);
  let fragments = 0;
  for (let round = 0; round < 1_000; round++) {
    const { bare, fragment } = randomPage(random);
    const url = read(bare + fragment);
    t.is(url, bare, bare + fragment);
    // It does not find the fragment again if its URL parser had to encode it.
    const isPlain = /^[\w#!/?=.~-]*$/.test(fragment);
    if (isPlain && fragment.length > 1) fragments += 1;
    const theirs = jssdk.JSSDK.generateSignature(isPlain ? bare + fragment : bare, 'unused', TICKET.reveal());
    const { nonceStr, timestamp } = theirs;
    const ours = signatureOf(TICKET, nonceStr, Number(timestamp), url);
    t.is(ours, theirs.signature, bare + fragment);
    t.is(
      ours,
      bySortedNames({ timestamp, url, noncestr: nonceStr, jsapi_ticket: TICKET.reveal() }),
      bare + fragment,
    );
  }
  t.true(fragments > 100);
});

test('only the URL of a page is signed, unchanged except for the fragment', (t) => {
  t.is(read('http://a'), 'http://a');
  t.is(read('https://a.example/%e4?x=1#'), 'https://a.example/%e4?x=1');
  t.is(read(`http://a/${'x'.repeat(2_039)}`).length, 2_048);
  for (const text of [
    '',
    'a.example',
    '//a.example/',
    'ftp://a.example/',
    'javascript:alert(1)',
    'http:a.example',
    'http:///a.example',
    'http://',
    'http://user@a.example/',
    'http://user:password@a.example/',
    'http://a.example\\@b.example/',
    ' http://a.example/',
    'http://a example/',
    'http://a.example/\n',
    'http://a.example/\0',
    'http://a.example:99999/',
    `http://a/${'x'.repeat(2_040)}`,
    `http://a/${'中'.repeat(700)}`,
  ]) {
    t.regex(read(text), /^bad: /, JSON.stringify(text));
  }
});

test('if hosts are listed, only their pages are signed', (t) => {
  const hosts = ['shop.example', 'xn--fiqs8s.example', 'fd00::1'];
  for (const url of [
    'https://SHOP.example:8443/a',
    'http://shop.example./',
    'http://中国.example/',
    'http://[fd00::1]/',
  ]) {
    t.is(read(url, hosts), url);
  }
  for (const url of [
    'http://a.shop.example/',
    'http://shop.example.evil/',
    'http://evil/shop.example',
    'http://b/?http://shop.example',
  ]) {
    t.regex(read(url, hosts), /^bad: pages of this host are not signed/);
  }
});
