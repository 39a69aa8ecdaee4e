import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { codesIn, type MarkdownDocument, readMarkdown, withoutBlocks } from '../support/markdown.ts';

/** Each document for users is there in both languages, and says the same in both. */
const PAIRS = ['.', 'docs', 'k8s'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.zh-CN.md'))
    .map((name) => [join(folder, name.replace('.zh-CN', '')), join(folder, name)] as const),
);

/** Documents for those who work on the code are in English alone. */
const ENGLISH_ONLY = new Set(['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'ARCHITECTURE.md']);

test('every document for users has a Chinese version, and the other way round', (t) => {
  const chinese = new Set(PAIRS.map(([english]) => english));
  for (const folder of ['.', 'docs', 'k8s']) {
    for (const name of readdirSync(folder)) {
      if (!name.endsWith('.md') || name.endsWith('.zh-CN.md') || ENGLISH_ONLY.has(name)) continue;
      t.true(chinese.has(join(folder, name)), `${join(folder, name)} is in English alone`);
    }
  }
  for (const [english] of PAIRS) t.true(existsSync(english), english);
});

for (const [englishPath, chinesePath] of PAIRS) {
  const [english, chinese] = [readMarkdown(englishPath), readMarkdown(chinesePath)];

  test(`${chinesePath} has the headings, commands and table rows of ${englishPath}`, (t) => {
    t.deepEqual(chinese.levels, english.levels, chinese.headings.join(' | '));
    t.deepEqual(commandsOf(chinese), commandsOf(english));
    t.deepEqual(rowsOf(chinese), rowsOf(english));
  });

  test(`${chinesePath} links to Chinese documents, and ${englishPath} to English ones`, (t) => {
    for (const target of linksOf(chinese)) {
      const inChinese = target.replace(/\.md(?=$|#)/, '.zh-CN.md');
      const isTranslated = existsSync(join(chinesePath, '..', inChinese.replace(/#.*/, '')));
      t.false(isTranslated && !target.includes('.zh-CN'), `${chinesePath} links to ${target}`);
    }
    t.deepEqual(
      linksOf(english).filter((target) => target.includes('.zh-CN')),
      [],
    );
  });

  test(`${chinesePath} has full-width punctuation`, (t) => {
    t.deepEqual(halfWidthIn(chinese.text), []);
  });
}

test('every link to a heading has a target', (t) => {
  for (const path of PAIRS.flat()) {
    for (const target of linksOf(readMarkdown(path), /^(?!https?:)[^#]*#/)) {
      const [file = '', anchor = ''] = target.split('#');
      const other = readMarkdown(file === '' ? path : join(path, '..', file));
      t.true(other.headings.map(anchorOf).includes(decodeURIComponent(anchor)), `${path}: ${target}`);
    }
  }
});

test('half-width punctuation is found in Chinese text, and not in code, links and English', (t) => {
  for (const text of ['中文,中文', '中文: `code`', '（中文)', '中文;', '`code`,中文', 'A(中文)', '中文?']) {
    t.is(halfWidthIn(text).length, 1, text);
  }
  for (const text of [
    '中文，中文',
    '`a,中文`',
    '[中文](a.md)',
    'Node.js, nginx',
    '1,800 秒',
    '```\n中文,中文\n```',
  ]) {
    t.deepEqual(halfWidthIn(text), [], text);
  }
});

const HAN = String.raw`[\p{Script=Han}，。；：！？、（）“”]`;
const HALF_WIDTH = new RegExp(`${HAN} ?[,:;!?()]|[,:;!?()] ?${HAN}`, 'u');

/** The lines with punctuation of ASCII beside Chinese characters, or between them and code. */
function halfWidthIn(text: string): string[] {
  return withoutBlocks(text)
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/<!--.*?-->/g, '')
        .replaceAll(/\]\([^)\s]+\)/g, ']')
        .replaceAll('::1', '1'),
    )
    .filter((line) => HALF_WIDTH.test(line.replaceAll(/`[^`]*`/g, '、')) && /\p{Script=Han}/u.test(line));
}

/** Comments are in the language of the reader, and drawings have words in them. */
function commandsOf({ blocks }: MarkdownDocument): string[] {
  return blocks.map(({ language, code }) =>
    language === '' ? '' : `${language}\n${code.replaceAll(/(?:^|\s+)#.*$/gm, '').trim()}`,
  );
}

/** The code in the first column of each row, table by table. Words in it are translated. */
function rowsOf({ tables }: MarkdownDocument): string[][][] {
  return tables.map(({ rows }) => rows.map(([first = '']) => codesIn(first)));
}

function linksOf({ text }: MarkdownDocument, pattern = /^(?!https?:|#).*\.md/): string[] {
  return [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => pattern.test(target))
    .filter((target, at, all) => at > 0 || !isOtherLanguage(target, all));
}

/** The first link of a document leads to itself in the other language. */
function isOtherLanguage(target: string, [first]: readonly string[]): boolean {
  return target === first && /^\w+(?:\.zh-CN)?\.md$/.test(target);
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

test('the Chinese documents use one term for one thing', (t) => {
  const avoided = ['应答', '秘密', '回环接口', '代理边车'];
  for (const [, chinese] of PAIRS) {
    const prose = withoutBlocks(readFileSync(chinese, 'utf8'));
    for (const word of avoided) {
      const [line] = prose.split('\n').filter((text) => text.includes(word));
      t.is(line, undefined, `${chinese} says ${word}`);
    }
  }
});
