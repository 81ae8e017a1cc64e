import { formatMs } from '../base/duration.ts';
import type { Judgement } from '../judge.ts';
import { isPrimary, ownLine } from '../timeline/claims.ts';
import type { Operation } from '../timeline/history.ts';
import type { Timeline } from '../timeline/timeline.ts';
import type { TimelineEvent } from '../timeline.ts';

export const escape = (text: unknown): string => String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const width = 1_120;
const left = 110;
const laneHeight = 26;
const palette = { primary: '#3b82c4', replica: '#8fbc8f', fail: '#d9534f', silent: '#9aa0a6' } as const;
type State = keyof typeof palette;

interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly state: State;
}

/** The record of one run as one page that needs nothing else: verdict, timeline, findings with their witnesses, events. */
export function htmlReport(timeline: Timeline, operations: readonly Operation[], judgement: Judgement): string {
  const { run } = timeline;
  const missing = timeline.of('read-back').at(-1)?.missing ?? [];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(run.experiment)} / ${escape(run.variant)}: ${escape(judgement.verdict)}</title>
<style>${style}</style></head><body><main>
<header class="${escape(judgement.verdict)}"><p class="verdict">${escape(judgement.verdict.replaceAll('-', ' '))}</p>
<h1>${escape(run.experiment)} <small>${escape(run.variant)}</small></h1>
<p>${escape(judgement.because)}</p>
<p class="dim">Hypothesis: ${escape(run.hypothesis)}</p>
<p class="dim">${escape(run.engine.kind)} ${escape(run.engine.version)} · ${run.nodes.length} nodes · ${escape(run.driver.name)} ${escape(run.driver.version)} · seed ${run.seed} · ${escape(run.startedAt)}</p></header>
<h2>Timeline</h2>
<div class="scroll">${drawing(timeline, operations)}</div>
<p class="legend">${(Object.keys(palette) as State[]).map((state) => `<span><i style="background:${palette[state]}"></i>${{ primary: 'primary', replica: 'replica', fail: 'says cluster_state:fail', silent: 'no answer' }[state]}</span>`).join('')}<span>▲ engine log</span></p>
<h2>Findings</h2>
<table><tbody>${judgement.findings
    .map(
      ({ invariant, claim, finding, expected }) =>
        `<tr class="${finding.outcome}"><td>${{ held: '✓', violated: '✗', unknown: '?' }[finding.outcome]}</td><td><b>${escape(invariant)}</b>${expected === 'violated' ? ' <em>expected symptom</em>' : ''}<br><span class="dim">${escape(claim)}</span></td><td>${escape(finding.because)}${
          finding.outcome === 'violated'
            ? ` ${finding.witnesses
                .slice(0, 8)
                .map((seq) => `<a href="#e${seq}">#${seq}</a>`)
                .join(' ')}`
            : ''
        }</td></tr>`,
    )
    .join('')}</tbody></table>
<h2>Measured, beside the theory</h2>
<table><tbody>${judgement.measures.map(({ name, measuredMs, theoryMs, note }) => `<tr><td>${escape(name)}<br><span class="dim">${escape(note ?? '')}</span></td><td>${measuredMs === null ? '–' : formatMs(measuredMs)}</td><td>${theoryMs ? `${formatMs(theoryMs[0])} to ${formatMs(theoryMs[1])}` : ''}</td></tr>`).join('')}</tbody></table>
${missing.length > 0 ? `<h2>Acknowledged writes that are gone</h2><table><thead><tr><th>key<th>value<th>found<th>acknowledged by<th>at</thead><tbody>${missing.map((write) => `<tr><td>${escape(write.key)}<td>${escape(write.value)}<td>${escape(write.found ?? 'nothing')}<td>${escape(write.node)}<td>${formatMs(write.acknowledgedAtMs)}`).join('')}</tbody></table>` : ''}
<h2>Settings</h2><p class="mono">${Object.entries(run.settings)
    .map(([name, value]) => `${escape(name)} ${escape(value || '""')}`)
    .join('<br>')}</p>
<h2>Run it again</h2><p class="mono">${escape(run.command)}</p>
<details><summary>Events</summary><table class="events"><tbody>${timeline.events
    .filter((event) => notable(event) || isWitness(judgement, event.seq))
    .map((event) => `<tr id="e${event.seq}"><td>#${event.seq}<td>${formatMs(event.atMs)}<td>${escape(describe(event))}`)
    .join('')}</tbody></table></details>
</main></body></html>
`;
}

const isWitness = (judgement: Judgement, seq: number): boolean =>
  judgement.findings.some(({ finding }) => finding.outcome === 'violated' && finding.witnesses.includes(seq));

/** Events that tell the story; observations are its raw material. */
export const notable = (event: TimelineEvent): boolean => event.type !== 'observed' && event.type !== 'probe-failed';

export function describe(event: TimelineEvent): string {
  switch (event.type) {
    case 'phase-entered':
      return `phase: ${event.phase}`;
    case 'fault-injecting':
      return `fault ${event.fault}: ${event.name} at ${event.nodes.join(', ')}`;
    case 'fault-effective':
      return `fault ${event.fault} bites: ${event.evidence.join('; ')}`;
    case 'fault-injected':
    case 'fault-healing':
    case 'fault-healed':
      return `fault ${event.fault} ${event.type.slice('fault-'.length)}`;
    case 'fault-ineffective':
    case 'heal-failed':
      return `fault ${event.fault} ${event.type}: ${event.because}`;
    case 'log-line':
      return `${event.node}: ${event.text}`;
    case 'container-exited':
      return `${event.node} exited with ${event.exitCode}`;
    case 'workload-stopped':
      return `workload: ${event.ok} ok, ${event.failed} failed, ${event.unknown} unknown`;
    case 'read-back':
      return `read back ${event.keys} keys: ${event.missing.length} acknowledged writes missing, ${event.unreadable} keys unreadable`;
    case 'settled':
      return `healthy ${formatMs(event.afterMs)} after the last heal`;
    case 'not-settled':
      return `not healthy: ${event.lacking.join('; ')}`;
    case 'aborted':
    case 'harness-failed':
      return `${event.type}: ${event.because}`;
    case 'noted':
      return event.text;
    case 'observed':
      return `${event.node} ${event.probe}: ${JSON.stringify(event.value).slice(0, 300)}`;
    case 'probe-failed':
      return `${event.node} gave no answer to ${event.probe}: ${event.because}`;
  }
}

/** What a node was in the course of time, by its own word; silent where it did not answer. */
function stretches(timeline: Timeline, node: string, endMs: number): Stretch[] {
  const result: Stretch[] = [];
  let role: 'primary' | 'replica' = 'replica';
  let state: State = 'silent';
  let ok = true;
  let sinceMs = 0;
  const become = (next: State, atMs: number): void => {
    if (next === state) return;
    if (atMs > sinceMs) result.push({ fromMs: sinceMs, toMs: atMs, state });
    state = next;
    sinceMs = atMs;
  };
  for (const event of timeline.events) {
    if ((event.type !== 'observed' && event.type !== 'probe-failed') || event.node !== node) continue;
    if (event.type === 'probe-failed') {
      if (event.probe === 'ping') become('silent', event.atMs);
      continue;
    }
    if (event.probe === 'topology') {
      const own = ownLine(event.value);
      if (own) role = isPrimary(own) ? 'primary' : 'replica';
    } else if (event.probe === 'cluster-info') ok = event.value.state === 'ok';
    else continue;
    become(ok ? role : 'fail', event.atMs);
  }
  result.push({ fromMs: sinceMs, toMs: endMs, state });
  return result;
}

function drawing(timeline: Timeline, operations: readonly Operation[]): string {
  const endMs = Math.max(1_000, timeline.events.at(-1)?.atMs ?? 0);
  const x = (ms: number): number => left + (Math.min(ms, endMs) / endMs) * (width - left - 10);
  const top = 44;
  const { nodes } = timeline.run;
  const opsTop = top + nodes.length * laneHeight + 12;
  const height = opsTop + 90;
  const parts: string[] = [];
  const phases = timeline.of('phase-entered');
  for (const [index, { phase, atMs }] of phases.entries()) {
    const toMs = phases[index + 1]?.atMs ?? endMs;
    parts.push(`<rect x="${x(atMs)}" y="0" width="${Math.max(0, x(toMs) - x(atMs))}" height="${height - 20}" class="phase${index % 2}"/>`);
    if (x(toMs) - x(atMs) > 36) parts.push(`<text x="${x(atMs) + 4}" y="13" class="phase">${phase}</text>`);
  }
  for (const { fault, atMs, name, nodes: victims } of timeline.of('fault-injecting')) {
    const toMs = timeline.of('fault-healed').find((healed) => healed.fault === fault)?.atMs ?? endMs;
    parts.push(
      `<rect x="${x(atMs)}" y="20" width="${Math.max(2, x(toMs) - x(atMs))}" height="16" rx="3" class="fault"><title>${escape(name)}</title></rect><text x="${x(atMs) + 4}" y="32" class="faultname">${escape(`${name} ${victims.join(', ')}`)}</text>`,
    );
    parts.push(`<rect x="${x(atMs)}" y="36" width="${Math.max(2, x(toMs) - x(atMs))}" height="${height - 56}" class="shade"/>`);
  }
  for (const [index, { name }] of nodes.entries()) {
    const y = top + index * laneHeight;
    parts.push(`<text x="4" y="${y + 15}">${escape(name)}</text>`);
    for (const { fromMs, toMs, state } of stretches(timeline, name, endMs)) {
      parts.push(
        `<rect x="${x(fromMs)}" y="${y + 4}" width="${Math.max(0.5, x(toMs) - x(fromMs))}" height="14" fill="${palette[state]}"><title>${escape(`${name}: ${state} from ${formatMs(fromMs)} to ${formatMs(toMs)}`)}</title></rect>`,
      );
    }
    for (const line of timeline.of('log-line').filter(({ node }) => node === name)) {
      const at = x(Math.max(0, line.loggedAtMs));
      parts.push(
        `<path d="M${at - 3.5} ${y + 23} L${at + 3.5} ${y + 23} L${at} ${y + 16} Z" class="log ${line.kind}"><title>${escape(`${formatMs(line.loggedAtMs)} ${line.text}`)}</title></path>`,
      );
    }
  }
  parts.push(clientLane(operations, x, endMs, opsTop));
  for (let second = 0; second * 1_000 <= endMs; second++) {
    const at = x(second * 1_000);
    parts.push(
      `<line x1="${at}" x2="${at}" y1="${height - 20}" y2="${height - 15}" class="tick"/><text x="${at}" y="${height - 3}" class="tick">${second} s</text>`,
    );
  }
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="timeline of the run">${parts.join('')}</svg>`;
}

/** Operations in each tenth of a second, stacked: acknowledged, refused, unknown. */
function clientLane(operations: readonly Operation[], x: (ms: number) => number, endMs: number, top: number): string {
  const binMs = 100;
  const bins = Array.from({ length: Math.ceil(endMs / binMs) }, () => ({ ok: 0, failed: 0, unknown: 0 }));
  for (const { doneAtMs, outcome } of operations) {
    const bin = bins[Math.floor(doneAtMs / binMs)];
    if (bin) bin[outcome]++;
  }
  const tallest = Math.max(1, ...bins.map(({ ok, failed, unknown }) => ok + failed + unknown));
  const scale = 52 / tallest;
  const bars = bins.map(({ ok, failed, unknown }, index) => {
    let y = top + 56;
    return (['ok', 'failed', 'unknown'] as const)
      .map((outcome) => {
        const count = { ok, failed, unknown }[outcome];
        if (count === 0) return '';
        y -= count * scale;
        return `<rect x="${x(index * binMs)}" y="${y}" width="${Math.max(0.5, x((index + 1) * binMs) - x(index * binMs) - 0.5)}" height="${count * scale}" class="${outcome}"><title>${escape(`${formatMs(index * binMs)}: ${ok} ok, ${failed} failed, ${unknown} unknown`)}</title></rect>`;
      })
      .join('');
  });
  return `<text x="4" y="${top + 34}">clients</text>${bars.join('')}`;
}

const style = `
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--dim:#6b7280;--line:#e2e4e8;--band:#f5f6f8}
@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--paper:#16181c;--dim:#9aa0a6;--line:#2e3238;--band:#1c1f25}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0}main{max-width:1160px;margin:0 auto;padding:1rem 1.25rem 4rem}
header{border-left:6px solid #d9534f;padding-left:1rem}header.as-expected{border-color:#2e9e5b}header.inconclusive,header.aborted{border-color:#d9a441}
h1{margin:.1rem 0}h1 small{color:var(--dim);font-weight:400}h2{margin-top:2rem;font-size:1.1rem}.verdict{text-transform:uppercase;letter-spacing:.08em;font-weight:700;margin:0}.dim{color:var(--dim);font-size:.88rem}
table{border-collapse:collapse;width:100%}td,th{border-top:1px solid var(--line);padding:.4rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}tr.held td:first-child{color:#2e9e5b}tr.violated td:first-child{color:#d9534f}tr.unknown td:first-child{color:#d9a441}
.mono,.events{font-family:ui-monospace,monospace;font-size:.82rem}.scroll{overflow-x:auto}svg{max-width:100%;height:auto;min-width:760px}svg text{font-size:12px;fill:var(--ink)}svg text.phase,svg text.tick{fill:var(--dim);font-size:11px}svg text.tick{text-anchor:middle}.phase0{fill:var(--band)}.phase1{fill:transparent}
.fault{fill:#b5482f}svg text.faultname{fill:#fff;font-size:11px}.shade{fill:#b5482f;opacity:.09}.tick{stroke:var(--dim)}svg text.tick{stroke:none}.log{fill:var(--dim)}.log.fail,.log.crashed,.log.state-changed{fill:#d9534f}.log.election-won,.log.election-started{fill:#a06cd5}
.ok{fill:#2e9e5b}.failed{fill:#d9534f}rect.unknown{fill:#d9a441}.legend span{margin-right:1.2rem;color:var(--dim);font-size:.88rem}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.35em;border-radius:2px}
`;
