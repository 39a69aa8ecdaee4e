import { type Language, LANGUAGES, type Words, WORDS } from './words.ts';

const HTML_LANG: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-CN' };

/** The page itself; its data comes from /page/data. */
export function pageHtml(language: Language): string {
  const words = WORDS[language];
  // It must not contain the end tag of its element.
  const json = JSON.stringify(words).replaceAll('<', '\\u003c');
  return document_(
    language,
    words,
    `
<header class="top">
  <div class="brand"><span class="mark"></span><div><h1>${escaped(words.title)}</h1><p id="hub"></p></div></div>
  <nav>${languageLink(language)}<form method="post" action="/logout?lang=${language}"><button class="plain">${escaped(words.logOut)}</button></form></nav>
</header>
<main>
  <noscript><p>${escaped(words.noScript)}</p></noscript>
  <p id="lost" role="alert" hidden></p>
  <p id="summary" role="status"></p>
  <section id="accounts" class="cards" aria-label="${escaped(words.accounts)}"></section>
  <section class="panel" id="logins" hidden>
    <div class="row"><h2>${escaped(words.logins)}</h2><p>${escaped(words.loginsHint)}</p></div>
    <ul></ul>
  </section>
  <section class="panel" id="sidecars" hidden>
    <div class="row"><h2>${escaped(words.sidecars)}</h2><p id="sidecars-total"></p></div>
    <table hidden>
      <thead><tr>${[words.caller, words.address, words.pod, words.streams, words.since]
        .map((word) => `<th>${escaped(word)}</th>`)
        .join('')}</tr></thead>
      <tbody></tbody>
    </table>
  </section>
</main>
<dialog id="ask" aria-labelledby="ask-title">
  <h2 id="ask-title"></h2>
  <p id="ask-cost"></p>
  <p>${escaped(words.costBoth)}</p>
  <form method="dialog" class="foot">
    <button value="no">${escaped(words.cancel)}</button><button value="yes" class="main">${escaped(words.confirm)}</button>
  </form>
</dialog>
<script type="application/json" id="words">${json}</script>`,
    '<script type="module" src="/page/page.js"></script>',
  );
}

export function loginHtml(language: Language, trouble?: 'wrongKey' | 'tooOften'): string {
  const words = WORDS[language];
  const note =
    trouble === undefined
      ? `<p id="hint">${escaped(words.logInHint)}</p>`
      : `<p id="hint" class="wrong" role="alert">${escaped(words[trouble])}</p>`;
  return document_(
    language,
    words,
    `
<main class="door">
  <div class="brand"><span class="mark"></span><div><h1>${escaped(words.title)}</h1><p>wechat-sidecar</p></div></div>
  <form class="panel" method="post" action="/login?lang=${language}">
    <label>${escaped(words.key)}<input name="key" type="password" autocomplete="current-password" aria-describedby="hint" required autofocus></label>
    ${note}
    <button class="main">${escaped(words.logIn)}</button>
  </form>
  <nav>${languageLink(language)}</nav>
</main>`,
    '',
  );
}

function document_(language: Language, words: Words, body: string, script: string): string {
  return `<!doctype html>
<html lang="${HTML_LANG[language]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(words.title)} · wechat-sidecar</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/page.css">
${script}
</head>
<body>${body}
</body>
</html>
`;
}

function languageLink(language: Language): string {
  const other = LANGUAGES.find((each) => each !== language) ?? language;
  return `<a href="/?lang=${other}" lang="${HTML_LANG[other]}">${escaped(WORDS[language].otherLanguage)}</a>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
