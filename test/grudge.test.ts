import { describe, expect, it } from 'vitest';
import { bridge, oneWay, ring, sides } from '../src/grudge.ts';

const nodes = ['a', 'b', 'c', 'd', 'e'];
const hears = (grudge: Readonly<Record<string, readonly string[]>>, node: string): string[] =>
  nodes.filter((other) => !grudge[node]?.includes(other));

describe('a grudge', () => {
  it('of sides parts each group from all others', () => {
    expect(sides(['a'], ['b', 'c'], ['d'])).toEqual({ a: ['b', 'c', 'd'], b: ['a', 'd'], c: ['a', 'd'], d: ['a', 'b', 'c'] });
  });
  it('of a bridge leaves one node that hears everybody', () => {
    const grudge = bridge(nodes);
    expect(hears(grudge, 'c')).toEqual(nodes);
    expect(hears(grudge, 'a')).toEqual(['a', 'b', 'c']);
    expect(hears(grudge, 'e')).toEqual(['c', 'd', 'e']);
  });
  it('of a ring lets each node hear a majority, no two the same, and is mutual', () => {
    const grudge = ring(nodes);
    const views = nodes.map((node) => hears(grudge, node));
    for (const view of views) expect(view.length).toBe(3);
    expect(new Set(views.map(String)).size).toBe(nodes.length);
    for (const node of nodes) for (const other of grudge[node] ?? []) expect(grudge[other]).toContain(node);
  });
  it('one way leaves the others their ears', () => {
    expect(oneWay(sides(['a'], ['b']), ['b'])).toEqual({ a: [], b: ['a'] });
  });
});
