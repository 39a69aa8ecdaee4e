/** /page.css */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f3; --card: #fff; --line: #e3e8e2; --ink: #1b231e; --soft: #66726b; --faint: #98a39c;
  --good: #2c8a5b; --good-soft: #e2f1e8; --busy: #3d74a8; --busy-soft: #e3edf6;
  --warn: #a2690c; --warn-soft: #faf0dc; --bad: #ae3f34; --bad-soft: #f9e7e4;
  --shadow: 0 1px 2px rgb(20 40 30 / 5%), 0 6px 24px rgb(20 40 30 / 5%);
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101412; --card: #181d1a; --line: #29312c; --ink: #e4eae6; --soft: #98a59d; --faint: #6b766f;
    --good: #5cc391; --good-soft: #1a3327; --busy: #7fb2e0; --busy-soft: #1b2c3c;
    --warn: #deb062; --warn-soft: #382c17; --bad: #e88f84; --bad-soft: #3c211e;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; background: var(--ground); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
}
h1, h2, h3, p, dl, dd { margin: 0; }
h1 { font-size: 1.15rem; line-height: 1.3; font-weight: 650; letter-spacing: -.01em; }
h2 { font-size: 1rem; font-weight: 650; }
h3 { font-size: 1.1rem; line-height: 1.3; font-weight: 650; overflow-wrap: anywhere; }
code, .mono { font-family: var(--mono); font-size: .86em; }
a { color: inherit; }
button, .button {
  font: inherit; font-weight: 550; color: var(--ink); background: var(--card); border: 1px solid var(--line);
  border-radius: 9px; padding: .42rem .9rem; cursor: pointer; text-decoration: none; transition: border-color .15s, background .15s;
}
button:hover { border-color: var(--faint); }
button:disabled { color: var(--faint); cursor: default; border-color: var(--line); }
button.main { background: var(--good); border-color: var(--good); color: var(--card); }
button.main:hover { filter: brightness(1.06); }
button.plain { border-color: transparent; background: none; color: var(--soft); font-weight: 450; padding: .42rem .5rem; }
button.plain:hover { color: var(--ink); }
:focus-visible { outline: 2px solid var(--busy); outline-offset: 2px; }

.top, main { max-width: 76rem; margin: 0 auto; padding: 0 1.5rem; }
.top { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding-block: 1.4rem 1rem; }
.brand { display: flex; align-items: center; gap: .8rem; min-width: 0; }
.brand p { color: var(--soft); font-size: .87rem; overflow-wrap: anywhere; }
.mark { flex: none; width: 2.2rem; height: 2.2rem; border-radius: 50%; border: .42rem solid var(--good); border-right-color: var(--good-soft); transform: rotate(45deg); }
nav { display: flex; align-items: center; gap: .35rem; flex: none; }
nav a { color: var(--soft); text-decoration: none; padding: .42rem .5rem; }
nav a:hover { color: var(--ink); }
main { padding-bottom: 4rem; }
#summary { font-size: 1.02rem; color: var(--soft); padding: .1rem 0 1.2rem; }
#summary.bad { color: var(--warn); }
#lost { background: var(--warn-soft); color: var(--warn); border-radius: 10px; padding: .6rem .9rem; margin-bottom: 1.2rem; }

.cards { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); }
.card, .panel { background: var(--card); border: 1px solid var(--line); border-radius: 16px; box-shadow: var(--shadow); }
.card { padding: 1.25rem 1.35rem 1.1rem; display: flex; flex-direction: column; gap: 1.05rem; min-width: 0; --tone: var(--good); --tone-soft: var(--good-soft); }
.card.renewing { --tone: var(--busy); --tone-soft: var(--busy-soft); }
.card.failing { --tone: var(--warn); --tone-soft: var(--warn-soft); }
.card.none { --tone: var(--bad); --tone-soft: var(--bad-soft); }
/* What needs attention comes first. */
.card.failing { order: -1; }
.card.none { order: -2; }
.head { display: flex; justify-content: space-between; align-items: flex-start; gap: .8rem; }
.head code { color: var(--soft); overflow-wrap: anywhere; }
.pill { flex: none; display: inline-flex; align-items: center; gap: .42rem; border-radius: 99px; padding: .16rem .7rem; font-size: .84rem; font-weight: 550; background: var(--tone-soft); color: var(--tone); }
.pill::before { content: ""; width: .48rem; height: .48rem; border-radius: 50%; background: currentColor; }
.renewing .pill::before { animation: breathe 1.4s ease-in-out infinite; }
@keyframes breathe { 50% { opacity: .25; } }

.left { display: flex; align-items: baseline; gap: .55rem; color: var(--soft); margin-bottom: .5rem; }
.left strong { font-size: 2.05rem; line-height: 1.1; font-weight: 600; letter-spacing: -.02em; color: var(--ink); font-variant-numeric: tabular-nums; }
.left.empty { font-size: 1.25rem; color: var(--ink); }
.bar { position: relative; height: .55rem; border-radius: 99px; background: var(--line); overflow: hidden; }
.bar i { position: absolute; inset: 0 auto 0 0; border-radius: inherit; background: var(--tone); transition: width 1s linear; }
.bar b { position: absolute; top: 0; bottom: 0; width: 2px; background: var(--card); }

.facts { display: grid; grid-template-columns: repeat(3, 1fr); gap: .7rem 1rem; }
.facts.four { grid-template-columns: repeat(2, 1fr); }
dt, .small { font-size: .8rem; color: var(--soft); }
dd { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }

.day { border-top: 1px solid var(--line); padding-top: .9rem; display: grid; gap: .5rem; }
.row { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .1rem 1rem; }
.strip { position: relative; height: 1.15rem; border-radius: 6px; background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.strip i { position: absolute; top: 50%; width: .58rem; height: .58rem; margin: -.29rem 0 0 -.29rem; border-radius: 50%; background: var(--good); box-shadow: 0 0 0 2px var(--card); }
.strip i.unchanged { background: var(--faint); }
.strip i.failed { background: var(--bad); }
.dots { display: inline-flex; flex-wrap: wrap; gap: 3px; align-items: center; }
.dots i { width: .42rem; height: .42rem; border-radius: 50%; background: var(--good); }
.dots i.used { background: var(--line); }

.failure { border-radius: 10px; padding: .7rem .9rem; background: var(--tone-soft); font-size: .92rem; overflow-wrap: anywhere; }
.failure.over { background: none; border: 1px solid var(--line); color: var(--soft); }
.failure span { display: block; font-size: .82rem; color: var(--tone); margin-bottom: .15rem; }
.failure.over span { color: inherit; }
.foot { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .9rem; }
.card .foot { margin-top: auto; }
.foot output:empty { display: none; }
.foot output { color: var(--soft); font-size: .9rem; }

.panel { margin-top: 1.1rem; padding: 1.15rem 1.35rem; }
.panel .row { align-items: baseline; }
.panel .row p { color: var(--soft); }
.panel ul { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: .7rem 0 0; padding: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; margin-top: .7rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: .8rem; font-weight: 450; color: var(--soft); padding: .3rem 1rem .3rem 0; }
td { padding: .42rem 1rem .42rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }

dialog { border: 1px solid var(--line); border-radius: 16px; background: var(--card); color: var(--ink); max-width: 29rem; width: calc(100% - 2rem); padding: 1.5rem; box-shadow: 0 20px 70px rgb(0 0 0 / 25%); }
dialog::backdrop { background: rgb(12 18 15 / 45%); }
dialog p { margin-top: .7rem; color: var(--soft); }
dialog .foot { justify-content: flex-end; margin-top: 1.3rem; }

.door { min-height: 100vh; display: grid; place-content: center; padding: 1.5rem; grid-template-columns: minmax(0, 23rem); gap: 1rem; }
.door form { padding: 1.6rem; display: grid; gap: .9rem; margin: 0; }
.door .brand { padding: 0 .2rem .3rem; }
.door nav { justify-content: center; font-size: .9rem; }
.door p { color: var(--soft); font-size: .92rem; }
label { display: grid; gap: .3rem; font-size: .87rem; color: var(--soft); }
input { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--line); border-radius: 9px; padding: .55rem .75rem; width: 100%; }
.door .wrong { color: var(--bad); }

@media (max-width: 40rem) {
  .top, main { padding-inline: 1rem; }
  .top { padding-block: 1rem .7rem; }
  .mark { width: 1.9rem; height: 1.9rem; border-width: .36rem; }
  .card, .panel { padding: 1.05rem 1.05rem 1rem; }
  thead { display: none; }
  tr { display: grid; grid-template-columns: 1fr 1fr; gap: .3rem .8rem; border-top: 1px solid var(--line); padding: .6rem 0; }
  td { border: 0; padding: 0; }
  td::before { content: attr(data-label); display: block; font-size: .78rem; color: var(--soft); }
  .foot button { flex: 1 1 auto; }
  .facts { grid-template-columns: repeat(2, 1fr); }
  .facts:not(.four) > :first-child { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
`;
