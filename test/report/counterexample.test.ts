import { describe, expect, it } from 'vitest';
import type { Step, Violation } from '../../src/consistency/counterexample.ts';
import { linearizabilityCheck } from '../../src/consistency/linearizable.ts';
import { counterexample } from '../../src/report/counterexample.ts';
import { foreign } from '../../src/timeline/history.ts';
import { checked } from '../consistency/made.ts';

const violationOf = (history: string): Violation =>
  checked(history, (writes) => linearizabilityCheck(writes, () => false, { withinMs: 60_000 })).notLinearizable.examples[0] as Violation;
const count = (svg: string, what: RegExp): number => [...svg.matchAll(what)].length;

const stale = violationOf(`
  3000-3100   c1 n1 set k 17
  3800-3900   c2 n1 set k 23
  94200-94210 c3 n4 get k 17`);

describe('the drawing of a contradiction', () => {
  it('has a bar for each operation, a lane for each client and a time for each moment', () => {
    const svg = counterexample(stale);
    expect(count(svg, /<rect /g)).toBe(3);
    expect([...svg.matchAll(/class="lane"><text[^>]*>([^<]*)</g)].map(([, name]) => name)).toEqual(['client 1', 'client 2', 'client 3']);
    for (const text of ['set 17 · n1', 'set 23 · n1', '✗ get → 17 · n4', '3.000 s', '94.210 s']) expect(svg).toContain(`>${text}<`);
  });
  it('says in words what it shows, to those who do not see it', () => {
    const svg = counterexample(stale);
    expect(svg).toContain('role="img"');
    expect(svg).toContain(`aria-label="counterexample for key k: ${stale.explanation}"`);
    expect(count(svg, /<title>/g)).toBe(3);
  });
  it('keeps the order of the moments from left to right, however far apart', () => {
    const at = [...counterexample(stale).matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(
      ([, x, width]) => [Number(x), Number(width)] as const,
    );
    expect(at.flatMap(([x, width]) => [x, x + width])).toEqual(at.flatMap(([x, width]) => [x, x + width]).toSorted((a, b) => a - b));
    expect(Math.min(...at.map(([, width]) => width))).toBeGreaterThan(50);
  });
  it('puts what one client did one after the other into one lane, and what overlaps into another', () => {
    const one = counterexample(violationOf('0-1 c1 n1 set k 1\n2-3 c1 n1 set k 2\n4-5 c1 n2 get k 1'));
    expect(count(one, /class="lane"/g)).toBe(1);
    const step = (id: number, sentAtMs: number, doneAtMs: number): Step => ({
      ...(stale.window[0] as Step),
      id,
      sentAtMs,
      doneAtMs,
      client: 7,
    });
    expect(count(counterexample({ ...stale, window: [step(1, 0, 9), step(2, 1, 8), step(3, 10, 11)] }), /class="lane"/g)).toBe(2);
  });
  it('draws a write of unknown outcome up to the edge, and one whose client is not known', () => {
    const unknown: Step = {
      ...(stale.window[0] as Step),
      doneAtMs: Number.POSITIVE_INFINITY,
      outcome: 'unknown',
      client: null,
      node: null,
    };
    const svg = counterexample({ ...stale, window: [unknown, stale.window.at(-1) as Step] });
    expect(svg).toContain('class="unknown"');
    expect(svg).toContain('outcome unknown');
    expect(svg).toContain('>a client<');
    expect(svg).not.toMatch(/NaN|Infinity|null/);
  });
  it('writes moments that are near one another with as many digits as tell them apart', () => {
    const near = violationOf('1.1-1.2 c1 n1 set k 1\n1.3-1.4 c1 n1 set k 2\n1.5-1.54 c2 n2 get k 1');
    for (const time of ['0.00110 s', '0.00154 s']) expect(counterexample(near)).toContain(`>${time}<`);
    expect(near.explanation).toContain('at 0.00154 s although 2 had been acknowledged by n1 at 0.00140 s');
  });
  it('draws values of nobody, and nothing', () => {
    expect(counterexample(violationOf('0-1 c1 n1 get k foreign'))).toContain('get → a value of nobody');
    expect(counterexample(violationOf('0-1 c1 n1 set k 1\n2-3 c1 n1 get k nothing'))).toContain('get → nothing');
    expect(
      counterexample({ ...stale, window: [{ ...(stale.window[0] as Step), verb: 'get', value: foreign, sentAtMs: 5, doneAtMs: 5 }] }),
    ).not.toContain('NaN');
  });
  it('lets no name of a key, node or client become markup', () => {
    const evil = '"><script>alert(1)</script>';
    const window = stale.window.map((step) => ({ ...step, node: evil }));
    const svg = counterexample({ ...stale, key: evil, node: evil, explanation: evil, window });
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('">&');
  });
});
