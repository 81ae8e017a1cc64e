import { describe, expect, it } from 'vitest';
import { Picture } from '../../src/cli/live.ts';
import type { Happening, TimelineEvent } from '../../src/timeline.ts';
import { healthy, idOf, run } from '../recorded.ts';
import { hostile } from '../report.story.ts';

function picture(...happenings: readonly (readonly [atMs: number, happening: Happening])[]): Picture {
  const result = new Picture('made-up/wounded');
  happenings.forEach(([atMs, happening], seq) => result.take({ seq, atMs, ...happening } as TimelineEvent));
  return result;
}
const text = (shown: Picture, atMs: number, columns = 120, rows = 40): string => shown.lines(atMs, columns, rows).join('\n');
const answer = (node: string): (readonly [number, Happening])[] =>
  Object.entries(healthy(node)).map(([probe, value]) => [100, { type: 'observed', node, probe, value } as Happening]);

describe('the live picture', () => {
  it('counts down what bounds the phase, without an event', () => {
    const shown = picture(
      [0, { type: 'phase-entered', phase: 'form' }],
      [4_000, { type: 'phase-entered', phase: 'settle', withinMs: 30_000 }],
    );
    expect(text(shown, 5_000)).toContain('29.0 s left of 30.0 s');
    expect(text(shown, 9_000)).toContain('25.0 s left of 30.0 s');
    expect(text(shown, 99_000)).toContain('0.0 s left of 30.0 s');
  });
  it('counts down a wait of the experiment until the next deed', () => {
    const wait: readonly [number, Happening] = [2_000, { type: 'waiting', until: 'a replica takes over', withinMs: 15_000 }];
    const begin: readonly [number, Happening] = [1_000, { type: 'phase-entered', phase: 'disturb' }];
    expect(text(picture(begin, wait), 3_000)).toContain('waiting until a replica takes over: 14.0 s left of 15.0 s');
    expect(text(picture(begin, wait, [4_000, { type: 'fault-healing', fault: 1 }]), 5_000)).not.toContain('left of');
  });
  it('shows how long each phase took', () => {
    const shown = picture(
      [0, { type: 'phase-entered', phase: 'form' }],
      [4_200, { type: 'phase-entered', phase: 'steady', withinMs: 1_000 }],
    );
    expect(text(shown, 4_700)).toMatch(/form 4\.2 s {2}› {2}steady 0\.5 s {2}› {2}disturb {2}›/);
  });
  it('shows role, state, fault, silence and what the others think of each node', () => {
    const suspicious = healthy('node-2').topology.map((peer) =>
      peer.id === idOf('node-1') ? { ...peer, flags: ['master', 'fail?'] } : peer,
    );
    const shown = picture(
      ...answer('node-1'),
      ...answer('node-4'),
      [150, { type: 'observed', node: 'node-2', probe: 'topology', value: suspicious }],
      [200, { type: 'fault-injecting', fault: 1, name: 'block-bus', plan: {}, nodes: ['node-1'], exposes: [] }],
      [300, { type: 'fault-effective', fault: 1, evidence: [] }],
      [400, { type: 'probe-failed', node: 'node-4', probe: 'ping', because: 'timed out' }],
    );
    const lines = shown.lines(1_400, 120, 40);
    expect(lines.find((line) => line.includes(' node-1 '))).toMatch(/primary +5461 slots +ok +block-bus bites +suspected by 1/);
    expect(lines.find((line) => line.includes(' node-4 '))).toMatch(/replica +link up +silent 1\.0 s/);
  });
  it('learns node names from the record and uses them in engine lines', () => {
    const failing: Happening = {
      type: 'log-line',
      node: 'node-6',
      loggedAtMs: 200,
      kind: 'fail',
      text: `1:S 24 Nov 2026 16:03:56.530 * Marking node ${idOf('node-1')} as failing (quorum reached).`,
    };
    expect(text(picture(...answer('node-1'), [200, failing]), 300)).toContain('node-6  Marking node-1 as failing (quorum reached).');
  });
  it('fits the terminal and lets no control character through', () => {
    const shown = picture(
      ...run.nodes.flatMap(({ name }) => answer(name)),
      ...Array.from({ length: 40 }, (_, index): readonly [number, Happening] => [
        index,
        { type: 'noted', text: `${hostile}\n${'x'.repeat(300)}` },
      ]),
    );
    for (const [columns, rows, height] of [
      [120, 40, 25],
      [60, 20, 19],
      // The nodes and three events, however low it is.
      [30, 10, 14],
    ] as const) {
      const lines = shown.lines(100, columns, rows);
      for (const line of lines) {
        expect(line.length).toBeLessThan(columns);
        expect(line).not.toMatch(/\p{Cc}/u);
      }
      expect(lines).toHaveLength(height);
    }
  });
});
