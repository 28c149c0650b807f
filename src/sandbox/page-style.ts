/** The one stylesheet of the pay pages and cabinets, served at /pages.css. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f2f4f6; --surface: #fff; --ink: #15191e; --quiet: #59626e; --line: #e1e5ea; --field: #838c98;
  --bad: #b3261e; --bad-soft: #fdeeec; --good: #1d7a46; --good-soft: #e8f5ed;
  --accent: #00767a; --accent-ink: #fff; --accent-soft: #e2f3f3;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
.click { --accent: #0a5fd0; --accent-soft: #e6effc; }
.stripe { --accent: #5546d6; --accent-soft: #ecebfd; }
.crypto-pay { --accent: #1a6fb5; --accent-soft: #e5f0f9; }
.btcpay { --accent: #2f7a33; --accent-soft: #e8f3e8; }
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1115; --surface: #161b21; --ink: #edf0f3; --quiet: #9ba5b1; --line: #272e37; --field: #6c7683;
    --bad: #ff9d94; --bad-soft: #341b1a; --good: #79d8a2; --good-soft: #12291d;
    --accent: #4ecbca; --accent-ink: #032221; --accent-soft: #10292a;
  }
  .click { --accent: #7fb3ff; --accent-ink: #051a35; --accent-soft: #14233a; }
  .stripe { --accent: #b1a8ff; --accent-ink: #14103d; --accent-soft: #221f47; }
  .crypto-pay { --accent: #78bdf2; --accent-ink: #04202f; --accent-soft: #122738; }
  .btcpay { --accent: #86cf89; --accent-ink: #06240a; --accent-soft: #15291a; }
}
*, *::before, *::after { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; padding: 0 16px; background: var(--ground); color: var(--ink);
  display: flex; flex-direction: column; align-items: center;
}
header, main, footer { width: 100%; max-width: 440px; }
.wide header, .wide main, .wide footer { max-width: 1040px; }
header { display: flex; align-items: center; gap: 10px; padding: 12px 4px; min-height: 68px; }
.brand { font-size: 20px; font-weight: 700; letter-spacing: -0.02em; color: var(--accent); }
.chip {
  padding: 2px 9px; border-radius: 99px; border: 1px solid var(--line); background: var(--surface);
  font-size: 12px; font-weight: 600; color: var(--quiet);
}
nav { margin-left: auto; display: flex; }
nav a, nav span {
  min-width: 44px; min-height: 44px; display: grid; place-items: center; border-radius: 10px;
  font-size: 13px; font-weight: 600; color: var(--quiet); text-decoration: none;
}
nav span { color: var(--ink); background: var(--surface); }
main { display: grid; gap: 16px; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 16px; padding: 20px; display: grid; gap: 16px; }
section > * { margin: 0; min-width: 0; }
h1 { font-size: 17px; font-weight: 600; line-height: 1.35; margin: 0; }
h2 { font-size: 15px; font-weight: 600; margin: 0; }
p { margin: 0; }
.amount { font-size: 32px; font-weight: 700; line-height: 1.15; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.quiet { color: var(--quiet); font-size: 14px; }
dl { display: grid; gap: 0; font-size: 14px; }
dl div { display: flex; justify-content: space-between; gap: 16px; padding: 9px 0; border-top: 1px solid var(--line); }
dl div:first-child { border-top: 0; }
dt { color: var(--quiet); }
dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
dd a { color: var(--accent); }
form { display: grid; gap: 12px; margin: 0; }
label { display: grid; gap: 6px; font-size: 14px; font-weight: 500; }
.fields { display: grid; grid-template-columns: 1fr 104px; gap: 12px; align-items: end; }
.fields.even { grid-template-columns: 1fr 1fr auto; }
input, select {
  width: 100%; min-height: 48px; padding: 0 14px; border: 1px solid var(--field); border-radius: 12px;
  background: var(--surface); color: var(--ink); font: inherit; font-variant-numeric: tabular-nums;
}
button, .button {
  min-height: 48px; padding: 0 18px; border: 0; border-radius: 12px; background: var(--accent); color: var(--accent-ink);
  font: inherit; font-weight: 600; cursor: pointer; text-decoration: none; display: grid; place-items: center;
}
button.plain, .button.plain { background: var(--accent-soft); color: var(--ink); font-weight: 500; }
button.row { grid-template-columns: 1fr auto; place-items: center start; text-align: left; width: 100%; gap: 12px; padding: 6px 14px; }
button.row code { white-space: nowrap; }
button.row small { color: var(--quiet); font-weight: 400; text-align: right; }
button.small { min-height: 44px; padding: 0 14px; font-size: 14px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
details { border-top: 1px solid var(--line); padding-top: 4px; }
summary { min-height: 44px; display: flex; align-items: center; cursor: pointer; font-size: 14px; color: var(--quiet); }
summary::before { content: "+"; width: 20px; font-weight: 600; }
details[open] > summary::before { content: "–"; }
details > form, details > ul { margin-top: 4px; }
.note { padding: 12px 14px; border-radius: 12px; background: var(--accent-soft); font-size: 14px; }
.note.bad { background: var(--bad-soft); color: var(--bad); }
.note.good { background: var(--good-soft); color: var(--good); }
.note strong { display: block; }
.note code { font-size: 13px; }
.mark { width: 44px; height: 44px; border-radius: 50%; display: grid; place-items: center; font-size: 22px; font-weight: 700; background: var(--good-soft); color: var(--good); }
.mark.bad { background: var(--bad-soft); color: var(--bad); }
.mark.wait { background: var(--accent-soft); color: var(--accent); }
.steps { list-style: none; margin: 0; padding: 0; display: grid; font-size: 13px; }
.steps li { padding: 8px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.steps li:first-child { border-top: 0; }
.steps small { color: var(--quiet); display: block; }
.tag { font-size: 12px; font-weight: 600; padding: 2px 8px; border-radius: 99px; background: var(--accent-soft); white-space: nowrap; }
.tag.good { background: var(--good-soft); color: var(--good); }
.tag.bad { background: var(--bad-soft); color: var(--bad); }
.bad-text { color: var(--bad); }
.rows { display: grid; gap: 12px; }
.head { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; }
.head .sum { margin-left: auto; font-weight: 700; font-variant-numeric: tabular-nums; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; }
.actions form { display: flex; gap: 8px; }
.actions input { width: 140px; min-height: 44px; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 8px 12px 8px 0; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--quiet); font-weight: 500; }
.qr { width: 220px; max-width: 100%; height: auto; background: #fff; padding: 12px; border-radius: 12px; justify-self: center; }
footer { padding: 20px 4px 28px; font-size: 13px; color: var(--quiet); text-align: center; margin-top: auto; }
@media (min-width: 760px) { .wide dl { grid-template-columns: 1fr 1fr; column-gap: 40px; } .wide dl div:nth-child(2) { border-top: 0; } }
@media (max-width: 560px) { .fields.even { grid-template-columns: 1fr 1fr; } .fields.even button { grid-column: 1 / -1; } }
`;
