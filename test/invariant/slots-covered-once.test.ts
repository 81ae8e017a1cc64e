import { describe, expect, it } from 'vitest';
import slotsCoveredOnce from '../../src/invariant/slots-covered-once.ts';
import { film, startsAtMs, type Timed } from './recorded.ts';

const ends: Timed = { atMs: 2_000, type: 'container-exited', node: 'node-1', exitCode: 137, expected: true };
const starts: Timed = {
  atMs: 3_000,
  type: 'log-line',
  node: 'node-1',
  kind: 'started',
  loggedAtMs: 3_000,
  text: 'Ready to accept connections',
};
const silence = (fromMs: number) => (_: unknown, node: string, atMs: number) => (node === 'node-1' && atMs >= fromMs ? false : undefined);

describe('slots-covered-once', () => {
  it('is violated where nobody claims the slots of a node that has ended', () => {
    expect(slotsCoveredOnce.check(film({ change: silence(2_000), extra: [ends] }))).toMatchObject({
      outcome: 'violated',
      because: '5461 slots are claimed by nobody, 0 by more than one node',
    });
  });
  it('is unknown where the node that does not answer may still claim them', () => {
    for (const extra of [[], [ends, starts]])
      expect(slotsCoveredOnce.check(film({ change: silence(startsAtMs.verify), extra }))).toMatchObject({
        outcome: 'unknown',
        because: '5461 slots are claimed by none of those who answer; no topology of node-1 in the verify phase',
      });
  });
});
