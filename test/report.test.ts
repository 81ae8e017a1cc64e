import { describe, expect, it } from 'vitest';
import { describe as describeEvent, engineText, namesOf } from '../src/report/describe.ts';
import { htmlReport } from '../src/report/html.ts';
import { drawing, stretches } from '../src/report/svg.ts';
import { textReport } from '../src/report/text.ts';
import { film } from './invariant/recorded.ts';
import { idOf, recorded, run } from './recorded.ts';
import { judged, type Story, stillborn, truncated, wounded } from './report.story.ts';

const names = namesOf(run);
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
    const story = await judged(new (timeline.constructor as typeof import('../src/timeline/timeline.ts').Timeline)(timeline.run, shifted));
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
    const { timeline, judgement } = await judged(recorded());
    const lines = textReport(timeline.run, judgement, 'results/x').split('\n');
    for (const { invariant, finding } of judgement.findings)
      expect(lines.some((line) => line.includes(invariant) && line.includes(finding.because))).toBe(true);
  });
  it('stays within the terminal, between words', async () => {
    const { timeline, judgement } = await wounded();
    const lines = textReport(timeline.run, judgement, 'results/x', 90).split('\n');
    const findings = lines.slice(
      0,
      lines.findIndex((line) => line.includes('detection')),
    );
    for (const line of findings) expect(line.length).toBeLessThanOrEqual(90);
    expect(findings.join(' ').replaceAll(/\s+/g, ' ')).toContain(judgement.because);
  });
});
