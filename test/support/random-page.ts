const HOSTS = [
  'shop.example',
  'a.b.c.example',
  '10.1.2.3',
  'xn--fiqs8s.example',
  '商城.example',
  '[fd00::1]',
];
const PIECES = [
  'a',
  'Z9',
  '-_.~',
  '%E4%B8%AD',
  '中文',
  '中 文',
  '%20',
  '+',
  "!$'()*,;:@",
  '%2F',
  '😀',
  '/',
  '//',
];
const QUERIES = [
  'a=1',
  'b',
  'c=',
  '中=文',
  'd=%E6%96%87',
  'e=x?y',
  'f=http://x/y',
  'g=[1]',
  'h=a+b%2Bc',
  '&&',
];

/** The URL of a page with what such URLs have: ports, Chinese, encoded and raw, and a fragment. */
export function randomPage(random: () => number): { readonly bare: string; readonly fragment: string } {
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const some = (list: readonly string[], max: number, glue: string): string =>
    Array.from({ length: Math.floor(random() * (max + 1)) }, () => one(list)).join(glue);
  const port = random() < 0.3 ? `:${1 + Math.floor(random() * 65_535)}` : '';
  const path = random() < 0.8 ? `/${some(PIECES, 5, '')}` : '';
  const query = random() < 0.6 ? `?${some(QUERIES, 4, '&')}` : '';
  const fragment = random() < 0.5 ? `#${some([...PIECES, '#', '?x=1', '!/route'], 3, '')}` : '';
  return { bare: `${one(['http', 'https', 'HTTPS'])}://${one(HOSTS)}${port}${path}${query}`, fragment };
}
