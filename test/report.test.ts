import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describe as describeEvent, engineText, namesOf } from '../src/report/describe.ts';
import { htmlReport } from '../src/report/html.ts';
import { drawing, stretches } from '../src/report/svg.ts';
import { operationsText } from '../src/report/operations-text.ts';
import { textReport } from '../src/report/text.ts';
import { Timeline } from '../src/timeline/timeline.ts';
import { made } from './consistency/made.ts';
import { film } from './invariant/recorded.ts';
import { idOf, recorded, run } from './recorded.ts';
import { judged, parted, type Story, stillborn, truncated, wounded } from './report.story.ts';

const names = namesOf(run);
/** Made once: nothing changes it. */
const everything = parted();
const html = ({ timeline, consistency, judgement }: Story): string => htmlReport(timeline, consistency, judgement);

describe('an engine line', () => {
  const id = idOf('node-1');
  const cases: readonly (readonly [raw: string, shown: string])[] = [
    [`12:M 24 Nov 2026 16:03:56.530 * Marking node ${id} as failing (quorum reached).`, 'Marking node-1 as failing (quorum reached).'],
    [
      `1:S 1 Jan 2026 01:02:03.004 # Clear FAIL state for node ${id} (): replica is reachable`,
      'Clear FAIL state for node-1: replica is reachable',
    ],
    [`FAIL message received from ${idOf('node-2')} (human) about ${id} ()`, 'FAIL message received from node-2 about node-1'],
    [`*** NODE ${id} possibly failing`, '*** node-1 possibly failing'],
    ['Connection with replica 10.0.0.5:6379 lost.', 'Connection with replica node-5 lost.'],
    ['Connection with 10.0.0.50:6379 (a client) lost.', 'Connection with 10.0.0.50:6379 (a client) lost.'],
    [`Full resync from master: ${'ab'.repeat(20)}:0`, 'Full resync from master: abababab…:0'],
    ['Cluster state changed: ok', 'Cluster state changed: ok'],
  ];
  for (const [raw, shown] of cases) it(`reads ${shown}`, () => expect(engineText(raw, names)).toBe(shown));

  it('stands behind the name of its node', () => {
    expect(
      describeEvent({ seq: 1, atMs: 2, type: 'log-line', node: 'node-6', loggedAtMs: 2, kind: 'fail', text: cases[0]?.[0] ?? '' }, names),
    ).toBe('node-6  Marking node-1 as failing (quorum reached).');
  });
});

it('an event of another version of Slotquake is shown as it is', () =>
  expect(describeEvent({ seq: 1, atMs: 2, type: 'danced' } as never, names)).toContain('danced'));

describe('the page', () => {
  it('carries no text of the record as markup', async () => {
    const page = html(await wounded());
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toContain('<img');
    expect(page).not.toContain('onerror="');
  });
  it('has the target of every witness link', async () => {
    const page = html(await wounded());
    const targets = [...page.matchAll(/href="#(e\d+)"/g)].map(([, target]) => target);
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) expect(page).toContain(`id="${target}"`);
  });
  it('names what the verdict is before the reasons', async () =>
    expect(html(await wounded())).toMatch(/as expected[\s\S]*exactly the expected symptom/));
  it('leaves out most of the forming, and says so', async () => {
    const timeline = film();
    const shifted = timeline.events.map((event) => ({
      ...event,
      atMs: event.atMs + (event.type === 'phase-entered' && event.phase === 'form' ? 0 : 5_000),
    }));
    const story = await judged(new Timeline(timeline.run, shifted));
    expect(drawing(story.timeline, null, names).fromMs).toBe(4_200);
    expect(html(story)).toContain('left out up to 4.20 s');
  });
  it('can be drawn of a record that is cut off anywhere', async () => {
    const whole = (await wounded()).timeline.events.length;
    for (const count of [0, 1, 2, 7, 50, whole >> 1, whole - 1]) {
      for (const aborted of [false, true]) {
        const page = html(await truncated(count, aborted));
        expect(page).toMatch(aborted ? /class="verdict">aborted/ : /class="verdict">inconclusive/);
        expect(page.match(/NaN|undefined|Infinity/)).toBeNull();
      }
    }
  });
  it('can be drawn of a run that had no nodes', async () => {
    const page = html(await stillborn());
    expect(page).toContain('ended before it had nodes');
    expect(page.match(/NaN|undefined|Infinity/)).toBeNull();
  });
});

/** The text of the part below a heading, without its markup. */
const partOf = (page: string, heading: string): string =>
  (new RegExp(`<h3>${heading}</h3>([\\s\\S]*?)(?=<h[23]>)`).exec(page)?.[1] ?? '').replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');

describe('the section on operations', () => {
  it('accounts for each kind of value of which anything was acknowledged, and for no other', async () => {
    const told = partOf(html(await everything), 'What became of what was acknowledged');
    for (const kind of ['registers, lists and sets', 'increments', 'messages of queues', 'values that expire'])
      expect(told).toContain(kind);
    const sets = await judged(recorded(), made('1-2 c1 node-1 add s 1\nfinal node-1 members s 1'));
    const one = partOf(html(sets), 'What became of what was acknowledged');
    expect(one).not.toContain('increments');
    expect(one).not.toContain('messages');
  });
  it('puts the losses of a node beside what the engine documents, and those of one that no fault exposed', async () => {
    const told = partOf(html(await everything), 'Losses beside what the engine documents');
    expect(told).toMatch(/node-1 cut off: it goes on acknowledging alone 4 2\.78 s 101 ms up to 3\.20 s/);
    expect(told).toMatch(/node-2 no fault exposed it then 1 – 0 ms nothing/);
  });
  it('documents nothing for a node whose replicas have it all by WAIT', async () => {
    const told = partOf(
      html(await parted({ workload: { ...run.workload, kind: 'mixed', wait: 1 } })),
      'Losses beside what the engine documents',
    );
    expect(told).toContain('nothing: WAIT has it on every replica');
    expect(told).not.toContain('up to 3.20 s');
  });
  it('counts by the node that acknowledged, and by whose slots they were', async () => {
    const told = partOf(html(await everything), 'By node and by shard');
    expect(told).toMatch(/node-4 2 0 0 slots/);
    expect(told).toMatch(/node-1: 0–5460 10 4 0 node-2: 5461–10922 2 1 1/);
    expect(told).toContain('1 more losses cannot be ascribed');
  });
  it('lists lost writes, those that nothing explains first', async () => {
    const told = partOf(html(await everything), 'Acknowledged writes that are gone');
    expect(told).toMatch(/documented r 20 1 node-2 1\.501 s 1 outside f/);
    expect(partOf(html(await judged(recorded())), 'Acknowledged writes that are gone')).toBe('');
  });
  it('has the evidence of clients beside the words of the nodes', async () => {
    const told = partOf(html(await everything), 'Split brain');
    expect(told).toMatch(/evidence 1 ms, where 50 ms are allowed; by the nodes&#39; own words 1\.30 s; the engine&#39;s code allows/);
    expect(told).toMatch(/node-1 and node-4 4\.800 s 4\.801 s 1 ms 1 by clients: 1 and 1 writes acknowledged/);
    expect(told).toMatch(/node-1 and node-4 4\.31\d s 5\.61\d s 1\.30 s 5,461 by their own words/);
    expect(partOf(html(await judged(recorded())), 'Split brain')).toContain('No two nodes');
  });
  it('names what was looked for, with what was found and what is allowed', async () => {
    const told = partOf(html(await everything), 'Anomalies');
    expect(told).toMatch(/stale reads 3 1 1,000 40 of m by node-3/);
    expect(told).toMatch(/reads that went back 1 0 – client 3 had seen 24/);
    expect(told).toMatch(/not found: .*messages delivered twice/);
    const plain = await judged(recorded());
    expect(partOf(html(plain), 'Anomalies')).toMatch(/^ None\. Looked for: /);
    expect(partOf(html(plain), 'Anomalies')).not.toContain('elements');
  });
  it('shows a replica that differs in the end, which nobody promises it does not, apart from two primaries that do', async () => {
    const history = '1-2 c1 node-1 add s 1\n3-4 c1 node-1 add s 2\nfinal node-1 members s 1 2\n';
    const differing = async (last: string) => partOf(html(await judged(recorded(), made(`${history}${last}`))), 'Anomalies');
    expect(await differing('final node-4 members s 1 replica')).toMatch(/a replica tells something else 1 0 s at node-1 and at node-4/);
    expect(await differing('final node-2 members s 1')).toMatch(/two primaries tell different things 1 1 s at node-1 and at node-2/);
  });
  it('has the staleness of primaries and of replicas apart, and a drawing of what no order explains', async () => {
    const page = html(await everything);
    expect(partOf(page, 'Staleness of reads')).toMatch(/250 ms are allowed.*primaries 2 .*replicas 1 399 ms/);
    expect(partOf(page, 'Linearizability of registers')).toContain('3 of 4 registers');
    expect(page.match(/<figure>/g)).toHaveLength(1);
  });
  it('tells what applications felt, by clients and as the engines count', async () => {
    const page = html(await everything);
    expect(partOf(page, 'What applications felt')).toMatch(/first error 3\.45 s after it took hold at 2\.05 s/);
    expect(partOf(page, 'What applications felt')).toContain('longest stall in node-3');
    expect(partOf(page, 'Errors')).toContain('CLUSTERDOWN 3');
    expect(partOf(page, 'Latency')).toMatch(/steady .*sent late by 30/);
  });
  it('carries no key, reason or error reply as markup', async () => {
    const page = html(await everything);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toContain('<img');
    expect(page.match(/NaN|undefined|Infinity|\[object/)).toBeNull();
  });
  it('says that there is no history, that part of it is missing, and that nothing was done', async () => {
    const { timeline, consistency, judgement } = await judged(recorded());
    expect(htmlReport(timeline, null, judgement)).toContain('has no history of operations');
    expect(htmlReport(timeline, { ...consistency, defects: ['<b>cut</b> off'] }, judgement)).toMatch(
      /Part of the history is missing:<\/b> &#60;b&#62;cut/,
    );
    expect(html(await judged(recorded(), []))).toContain('No operation was recorded.');
  });
  it('can be drawn when a frozen node never thawed in the record', async () => {
    const { timeline, consistency, judgement } = await everything;
    const open = timeline.events
      .filter(({ type }) => type !== 'fault-healed')
      .map((event) => (event.type === 'fault-injecting' ? { ...event, exposes: [{ node: 'node-1', how: 'frozen' as const }] } : event));
    const page = htmlReport(new Timeline(timeline.run, open), consistency, judgement);
    expect(partOf(page, 'Losses beside what the engine documents')).toContain('until it is healed, which was not recorded');
    expect(page.match(/NaN|undefined|Infinity/)).toBeNull();
  });
});

describe('a loss', () => {
  it('is a band and columns in the lane of the node that acknowledged it, and in no other', async () => {
    const { timeline, consistency } = await everything;
    const { svg } = drawing(timeline, consistency, names);
    const lanes = [...svg.matchAll(/<g class="lane" data-node="(node-\d)">([\s\S]*?)(?=<g class="lane"|<g class="clients")/g)];
    const marked = Object.fromEntries(lanes.map(([, node = '', lane = '']) => [node, [...lane.matchAll(/class="lost"/g)].length]));
    expect(marked).toEqual({ 'node-1': 5, 'node-2': 2, 'node-3': 0, 'node-4': 0, 'node-5': 0, 'node-6': 0 });
    expect(svg).toContain('1 acknowledged writes lost, of 1 that node-2 acknowledged from 1.50 s to 1.50 s');
  });
  it('stands with the clients where nobody knows who acknowledged it', async () => {
    const lost = await judged(recorded(), made('1-2 c1 - add s 1\n3-4 c1 node-1 add s 2\nfinal node-1 members s 2'));
    expect(drawing(lost.timeline, lost.consistency, names).svg).toMatch(/<g class="clients">[\s\S]*that some node acknowledged/);
  });
});

describe('a lane', () => {
  it('begins where the node first answered, and is silent where it does not', () => {
    const silent = film({ change: (_, node, atMs) => (node === 'node-1' && atMs > 4_000 && atMs < 5_000 ? false : undefined) });
    const states = stretches(silent, 'node-1', 10_000).map(({ state }) => state);
    expect(states[0]).toBeNull();
    expect(states).toContain('silent');
    expect(states.at(-1)).toBe('primary');
  });
  it('keeps its role while it says fail', () => {
    const failing = film({
      change: (answers, _, atMs) => {
        if (atMs > 4_000 && atMs < 5_000) answers['cluster-info'] = { ...answers['cluster-info'], state: 'fail' };
      },
    });
    expect(stretches(failing, 'node-1', 10_000)).toContainEqual(expect.objectContaining({ state: 'fail', role: 'primary' }));
    expect(stretches(failing, 'node-4', 10_000)).toContainEqual(expect.objectContaining({ state: 'fail', role: 'replica' }));
  });
});

describe('the text', () => {
  it('is one line a finding where nobody folds it', async () => {
    const { timeline, consistency, judgement } = await judged(recorded());
    const lines = textReport(timeline.run, consistency, judgement, 'results/x').split('\n');
    for (const { invariant, finding } of judgement.findings)
      expect(lines.some((line) => line.includes(invariant) && line.includes(finding.because))).toBe(true);
  });
  it('stays within the terminal, between words', async () => {
    const { timeline, consistency, judgement } = await wounded();
    const lines = textReport(timeline.run, consistency, judgement, 'results/x', 90).split('\n');
    const findings = lines.slice(
      0,
      lines.findIndex((line) => line.includes('detection')),
    );
    for (const line of findings) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(90);
    expect(findings.join(' ').replaceAll(/\s+/g, ' ')).toContain(judgement.because);
  });
  it('has one line about operations when all is well', async () => {
    const { timeline, consistency } = await judged(recorded());
    const facts = operationsText(timeline.run, consistency);
    expect(facts).toHaveLength(1);
    expect(facts[0]?.note).toMatch(/^none lost, no anomaly; longest stall /);
  });
  it('tells losses, split brain and anomalies in a line each', async () => {
    const { timeline, consistency } = await everything;
    const facts = Object.fromEntries(
      operationsText(timeline.run, consistency).map(({ name, value, note }) => [name.trim(), [value, note]]),
    );
    expect(Object.keys(facts)).toEqual(['acknowledged', 'lost', 'longest loss window', 'split brain', 'anomalies']);
    expect(facts['lost']).toEqual(['6', '1 outside every documented window; by node-1, node-2']);
    expect(facts['longest loss window']).toEqual(['101 ms', '100 ms allowed']);
    expect(facts['anomalies']?.[1]).toContain('3 stale reads (1 outside)');
  });
  it('says that there is no history, that it is cut, and that it is empty', async () => {
    const { timeline, consistency } = await judged(recorded());
    expect(operationsText(timeline.run, null)[0]?.note).toContain('no history');
    expect(operationsText(timeline.run, { ...consistency, defects: ['it ends in the middle'] })[0]?.value).toBe('cut');
    expect(operationsText(timeline.run, (await judged(recorded(), [])).consistency)[0]?.note).toContain('nothing was recorded');
  });
  it('does not let the name of a key steer the terminal', async () => {
    const { timeline, consistency, judgement } = await everything;
    const text = textReport(timeline.run, consistency, judgement, 'results/x');
    expect(text).toContain('onerror');
    expect(text).not.toContain('\u001B[2J');
  });
});
