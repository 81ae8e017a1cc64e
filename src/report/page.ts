import { createHash } from 'node:crypto';
import { escape } from './escape.ts';

const style = `
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--dim:#5f6773;--line:#e1e4e8;--band:#f4f5f7;--link:#1f5fa8;--primary:#3877bd;--replica:#7fb685;--fail:#d64541;--silent:#a3a9b1;--good:#23874b;--bad:#cc3d39;--open:#b7791f;--fault:#a8442c;--turning:#8e5bc7;--mark:#fff3c4;--lost:#111}
@media(prefers-color-scheme:dark){:root{--ink:#e4e6e9;--paper:#15171b;--dim:#9aa2ad;--line:#2d3138;--band:#1d2026;--link:#7db4f0;--primary:#4a8bd4;--replica:#5d9a66;--fail:#e0605b;--silent:#5b626c;--good:#4cb878;--bad:#ee7a74;--open:#d9a441;--fault:#b9553b;--turning:#b48be0;--mark:#4a4113;--lost:#fff}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}main{max-width:1160px;margin:0 auto;padding:1.25rem 1.25rem 4rem}a{color:var(--link)}
header{border-left:6px solid var(--bad);padding-left:1rem}header.as-expected{border-color:var(--good)}header.inconclusive,header.aborted{border-color:var(--open)}
.verdict{text-transform:uppercase;letter-spacing:.08em;font-weight:700;margin:0;color:var(--bad)}.as-expected .verdict{color:var(--good)}.inconclusive .verdict,.aborted .verdict{color:var(--open)}
h1{margin:.1rem 0;line-height:1.2;overflow-wrap:anywhere}h1 small{color:var(--dim);font-weight:400}h2{margin:2.25rem 0 .5rem;font-size:1.15rem}header p{margin:.5rem 0;overflow-wrap:anywhere}.dim{color:var(--dim);font-size:.88rem}
table{border-collapse:collapse;width:100%}td,th{border-top:1px solid var(--line);padding:.5rem .6rem .5rem 0;text-align:left;vertical-align:top;overflow-wrap:anywhere}th{color:var(--dim);font-weight:400;font-size:.88rem;border-top:0}td.nowrap{white-space:nowrap}
.sign{width:1.6rem;font-weight:700}.held .sign{color:var(--good)}.violated .sign{color:var(--bad)}.unknown .sign{color:var(--open)}.findings td:nth-child(2){width:42%}.pill{font-size:.78rem;border:1px solid var(--line);border-radius:1em;padding:.05em .6em;color:var(--dim);white-space:nowrap}.witnesses{display:block;font-size:.88rem;color:var(--dim)}
.mono,.events{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.82rem;overflow-wrap:anywhere}.events td{padding-top:.2rem;padding-bottom:.2rem}.events td:first-child,.events td:nth-child(2){white-space:nowrap;color:var(--dim)}tr:target{background:var(--mark)}details summary{cursor:pointer;font-size:1.15rem;font-weight:700;margin:2.25rem 0 .5rem}
.scroll{overflow-x:auto}.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.4rem 0;color:var(--dim);font-size:.88rem}.legend svg{vertical-align:-2px;margin-right:.4em}
.timeline svg{display:block;height:auto;max-width:100%;min-width:860px}svg text{font-size:12.5px;fill:var(--ink)}svg text.dim{font-size:11.5px;fill:var(--dim)}svg text.on{fill:#fff;font-size:11.5px}svg text.exit{fill:var(--bad);font-size:16px;font-weight:700}
.phase0{fill:var(--band)}.phase1{fill:transparent}.fault{fill:var(--fault)}.shade{fill:var(--fault);opacity:.1}.tick,.base{stroke:var(--line)}.base{stroke-dasharray:2 4}
svg .primary{fill:var(--primary)}svg .replica{fill:var(--replica)}svg .fail{fill:var(--fail)}svg .silent{fill:var(--silent)}svg .log{fill:var(--dim)}svg .grave{fill:var(--bad)}svg .turning{fill:var(--turning)}svg .ok{fill:var(--good)}svg .failed{fill:var(--bad)}svg .unknown{fill:var(--open)}svg .band{fill:var(--line)}svg .measured{fill:var(--ink)}svg .lost{fill:var(--lost)}
h3{margin:1.75rem 0 .2rem;font-size:1rem}h3+p{margin:.1rem 0 .5rem}.bad{color:var(--bad)}
.quiet{font-size:.92rem}.quiet td,.quiet th{padding:.32rem 1.1rem .32rem 0;overflow-wrap:break-word}.quiet .number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.quiet th.number{white-space:normal;vertical-align:bottom}.quiet th{vertical-align:bottom}.quiet tr>:last-child{padding-right:0}.quiet .number+:not(.number){padding-left:1rem}.quiet tr>:first-child{min-width:5.5rem}
.tall{max-height:22rem;overflow-y:auto}.tall th{position:sticky;top:0;background:var(--paper)}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1rem 3rem;align-items:start}
.figures{display:flex;flex-wrap:wrap;gap:.6rem 2.4rem;margin:.8rem 0 0}.figures dt{color:var(--dim);font-size:.88rem}.figures dd{margin:0}.figures dd:nth-child(2){font-size:1.5rem;line-height:1.25;font-variant-numeric:tabular-nums}figure{margin:.8rem 0 1.2rem}figcaption{font-size:.92rem;margin-bottom:.3rem;overflow-wrap:anywhere}
@media(max-width:640px){main{padding:1rem .9rem 3rem}.findings tr{display:grid;grid-template-columns:1.6rem 1fr;border-top:1px solid var(--line)}.findings td{border:0;width:auto!important;padding:.4rem 0}.findings td:nth-child(3){grid-column:2;padding-top:0}.range{display:none}.figures{display:grid;grid-template-columns:1fr 1fr}}
@media print{.tall{max-height:none}details:not([open])>*{display:none}.timeline svg{min-width:0}}
`;

/** Opens what a link to an event points into; a browser may leave it closed. */
const script = `
const reveal = () => {
  const row = document.getElementById(location.hash.slice(1));
  const box = row && row.closest('details');
  if (!box) return;
  box.open = true;
  row.scrollIntoView({ block: 'center' });
};
addEventListener('hashchange', reveal);
document.addEventListener('click', ({ target }) => {
  if (target.closest('a[href^="#e"]')) setTimeout(reveal);
});
reveal();
`;

/**
 * A page that needs nothing else and may load nothing else: its policy forbids every request, and every script but our
 * own, whatever a record contains.
 */
export function page(title: string, body: string): string {
  const hash = createHash('sha256').update(script).digest('base64');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${hash}'">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${style}</style></head><body><main>
${body}
</main><script>${script}</script></body></html>
`;
}
