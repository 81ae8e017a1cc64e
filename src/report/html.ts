import { formatMs } from '../base/duration.ts';
import type { Judgement } from '../judge.ts';
import type { Consistency } from '../consistency.ts';
import type { Measure } from '../timeline/measures.ts';
import type { Timeline } from '../timeline/timeline.ts';
import { describe, type Names, namesOf, notable, remarkOn } from './describe.ts';
import { escape } from './escape.ts';
import { operations } from './operations.ts';
import { page } from './page.ts';
import { range } from './range.ts';
import { drawing } from './svg.ts';

/** The record of one run as one page that needs nothing else: verdict, timeline, findings with their witnesses, events. */
export function htmlReport(timeline: Timeline, consistency: Consistency | null, judgement: Judgement): string {
  const { run } = timeline;
  const names = namesOf(run);
  return page(
    `${run.experiment} / ${run.variant}: ${judgement.verdict.replaceAll('-', ' ')}`,
    [
      header(timeline, judgement),
      timelineSection(timeline, consistency, names),
      faults(timeline),
      findings(timeline, judgement, names),
      measured(judgement.measures),
      ...operations(timeline, consistency),
      `<h2>Settings</h2><p class="mono">${
        Object.entries(run.settings)
          .map(([name, value]) => `${escape(name)} ${escape(value || '""')}`)
          .join('<br>') || '<span class="dim">none was recorded</span>'
      }</p>`,
      `<h2>Run it again</h2><p class="mono">${escape(run.command)}</p>`,
      events(timeline, judgement, names),
    ].join('\n'),
  );
}

function header({ run }: Timeline, { verdict, because }: Judgement): string {
  const symptoms = Object.keys(run.expect);
  const facts = [
    `${run.engine.kind} ${run.engine.version}`,
    `${run.nodes.length} nodes`,
    `${run.driver.name} ${run.driver.version}`,
    `seed ${run.seed}`,
    run.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'),
  ];
  return `<header class="${escape(verdict)}"><p class="verdict">${escape(verdict.replaceAll('-', ' '))}</p>
<h1>${escape(run.experiment)} <small>${escape(run.variant)}</small></h1>
<p>${escape(because)}</p>
<p class="dim">Hypothesis: ${escape(run.hypothesis)}<br>Expected of this variant: ${escape(symptoms.length > 0 ? `${symptoms.join(', ')} violated, everything else held` : 'everything held')}</p>
<p class="dim">${facts.map(escape).join(' · ')}</p></header>`;
}

const swatch = (shape: string): string => `<svg width="14" height="14" aria-hidden="true">${shape}</svg>`;
const legend = (
  [
    ['<rect y="0" width="14" height="14" class="primary"/>', 'primary'],
    ['<rect y="4" width="14" height="7" class="replica"/>', 'replica'],
    ['<rect y="0" width="14" height="14" class="fail"/>', 'says cluster_state:fail (high: primary, low: replica)'],
    ['<rect y="5" width="14" height="4" class="silent"/>', 'no answer'],
    ['<rect width="14" height="14" rx="3" class="fault"/>', 'fault, from its injection to its proven removal'],
    ['<path d="M3 11 h8 l-4 -8 Z" class="log grave"/>', 'engine log: a failure is seen'],
    ['<path d="M3 11 h8 l-4 -8 Z" class="log turning"/>', 'engine log: election or change of role'],
    ['<path d="M3 11 h8 l-4 -8 Z" class="log"/>', 'engine log: other'],
    [
      '<rect y="1" width="14" height="3" class="lost"/><rect x="2" y="7" width="3" height="7" class="lost"/><rect x="6" y="9" width="3" height="5" class="lost"/>',
      'acknowledged writes that were lost: when, and how many',
    ],
    ['<rect width="14" height="14" class="ok"/>', 'operations ok'],
    ['<rect width="14" height="14" class="failed"/>', 'failed'],
    ['<rect width="14" height="14" class="unknown"/>', 'unknown'],
  ] as const
)
  .map(([shape, text]) => `<span>${swatch(shape)}${text}</span>`)
  .join('');

function timelineSection(timeline: Timeline, consistency: Consistency | null, names: Names): string {
  if (timeline.run.nodes.length === 0)
    return '<h2>Timeline</h2><p class="dim">The run ended before it had nodes; what happened stands under Events.</p>';
  const { svg, fromMs } = drawing(timeline, consistency, names);
  return `<h2>Timeline</h2>
<p class="dim">Each lane is one node by its own word. Point at anything to read what it was.${fromMs > 0 ? ` The forming of the cluster is left out up to ${formatMs(fromMs)}.` : ''}</p>
<div class="scroll timeline" tabindex="0" role="group" aria-label="timeline">${svg}</div>
<p class="legend">${legend}</p>`;
}

function faults(timeline: Timeline): string {
  const rows = timeline.of('fault-injecting').map(({ fault, name, nodes, atMs }) => {
    const of = <T extends { readonly fault: number }>(all: readonly T[]): T | undefined => all.find((event) => event.fault === fault);
    const healed = of(timeline.of('fault-healed'));
    const failed = of(timeline.of('heal-failed'));
    const effect = of(timeline.of('fault-effective'));
    const ineffective = of(timeline.of('fault-ineffective'));
    const end = healed
      ? `gone at ${formatMs(healed.atMs)}`
      : failed
        ? `<b>could not be healed:</b> ${escape(failed.because)}`
        : '<b>its removal was not recorded</b>';
    const proof = effect
      ? `<span class="dim">It bites, as seen at ${formatMs(effect.atMs)}:</span><br>${effect.evidence.map(escape).join('<br>')}`
      : ineffective
        ? `<b>No effect:</b> ${escape(ineffective.because)}`
        : '<b>Nothing showed that it bites.</b>';
    return `<tr><td><b>${escape(name)}</b> at ${nodes.map(escape).join(', ')}<br><span class="dim">injected at ${formatMs(atMs)}, ${end}</span></td><td>${proof}</td></tr>`;
  });
  return `<h2>Faults</h2>${rows.length > 0 ? `<table class="faults"><tbody>${rows.join('')}</tbody></table>` : '<p class="dim">No fault was injected.</p>'}`;
}

const signs = { held: '✓', violated: '✗', unknown: '?' } as const;
const order = ['violated', 'unknown', 'held'] as const;
const shownWitnesses = 8;

function findings(timeline: Timeline, judgement: Judgement, names: Names): string {
  if (judgement.findings.length === 0) return '<h2>Findings</h2><p class="dim">No invariant was asked.</p>';
  const byUrgency = order.flatMap((outcome) => judgement.findings.filter(({ finding }) => finding.outcome === outcome));
  const rows = byUrgency.map(({ invariant, claim, finding, expected }) => {
    const remark = remarkOn({ finding, expected });
    const pill = remark === '' ? '' : ` <span class="pill">${remark}</span>`;
    const links =
      finding.outcome === 'violated'
        ? finding.witnesses.slice(0, shownWitnesses).map((seq) => {
            const event = timeline.events.find((candidate) => candidate.seq === seq);
            return `<a href="#e${escape(seq)}" title="${escape(event ? `${formatMs(event.atMs)}  ${describe(event, names)}` : 'not in the record')}">#${escape(seq)}</a>`;
          })
        : [];
    const more = finding.outcome === 'violated' ? finding.witnesses.length - links.length : 0;
    const witnesses =
      links.length > 0 ? `<span class="witnesses">seen in events ${links.join(' ')}${more > 0 ? ` and ${more} more` : ''}</span>` : '';
    return `<tr class="${finding.outcome}"><td class="sign" title="${finding.outcome}">${signs[finding.outcome]}</td><td><b>${escape(invariant)}</b>${pill}<br><span class="dim">${escape(claim)}</span></td><td>${escape(finding.because)}${witnesses}</td></tr>`;
  });
  const counts = order
    .map((outcome) => [judgement.findings.filter(({ finding }) => finding.outcome === outcome).length, outcome] as const)
    .filter(([count]) => count > 0)
    .map(([count, outcome]) => `${count} ${outcome}`);
  return `<h2>Findings <span class="dim">${counts.join(', ')}</span></h2><table class="findings"><tbody>${rows.join('')}</tbody></table>`;
}

function measured(measures: readonly Measure[]): string {
  if (measures.length === 0) return '';
  const rows = measures.map(
    ({ name, measuredMs, theoryMs, note }) =>
      `<tr><td>${escape(name)}${note ? `<br><span class="dim">${escape(note)}</span>` : ''}</td><td class="nowrap">${measuredMs === null ? '<span class="dim">did not happen</span>' : formatMs(measuredMs)}</td><td>${theoryMs ? `${formatMs(theoryMs[0])} to ${formatMs(theoryMs[1])}` : ''}</td><td class="range">${theoryMs ? range(measuredMs, theoryMs) : ''}</td></tr>`,
  );
  return `<h2>Measured, beside the theory</h2><p class="dim">The theory is computed from the settings of this run and the engine's code.</p>
<table><thead><tr><th>what</th><th>measured</th><th>theory</th><th class="range"></th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function events(timeline: Timeline, { findings: asked }: Judgement, names: Names): string {
  const witnesses = new Set(asked.flatMap(({ finding }) => (finding.outcome === 'violated' ? finding.witnesses : [])));
  const shown = timeline.events.filter((event) => notable(event) || witnesses.has(event.seq));
  const left = timeline.events.length - shown.length;
  return `<details><summary>Events</summary><p class="dim">${shown.length} of ${timeline.events.length}; ${left} observations that no finding names stand in timeline.jsonl only.</p><table class="events"><tbody>${shown
    .map(
      (event) =>
        `<tr id="e${escape(event.seq)}"><td>#${escape(event.seq)}</td><td>${formatMs(event.atMs)}</td><td>${escape(describe(event, names))}</td></tr>`,
    )
    .join('')}</tbody></table></details>`;
}
