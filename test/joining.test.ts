import { describe, expect, it } from 'vitest';
import type { Stage } from '../src/experiment.ts';
import { estrange, meet, newestView, replicate } from '../src/joining.ts';
import { paperCluster } from './fault/planned.ts';
import { film } from './invariant/recorded.ts';
import { idOf, recorded } from './recorded.ts';

/** A stage that writes down what is asked of it, and answers in turn, the last answer for ever. */
function stage(...answers: string[]): { readonly stage: Stage; readonly asked: string[] } {
  const asked: string[] = [];
  const answer = (): string => (answers.length > 1 ? answers.shift() : answers[0]) ?? 'OK';
  const ask = (node: string, ...command: readonly unknown[]): Promise<string> => {
    asked.push(`${node}: ${command.join(' ')}`);
    return Promise.resolve(answer());
  };
  return {
    asked,
    stage: {
      cluster: paperCluster(),
      ask,
      tell: ask,
      rename: (node: string) => Promise.resolve(void asked.push(`rename ${node}`)),
      sleep: () => Promise.resolve(),
    } as unknown as Stage,
  };
}

describe('a new node', () => {
  it('is made of a member that forgets all and is forgotten by all, and is known by its new id', async () => {
    const { stage: given, asked } = stage();
    await estrange(given, 'node-4');
    expect(asked[0]).toBe('node-4: CLUSTER RESET HARD');
    expect(asked.filter((text) => text.includes('FORGET')).map((text) => text.slice(0, 6))).toEqual([
      'node-1',
      'node-2',
      'node-3',
      'node-5',
      'node-6',
    ]);
    expect(asked.at(-1)).toBe('rename node-4');
  });
  it('is met at its address', async () => {
    const { stage: given, asked } = stage();
    await meet(given, 'node-1', { address: '10.0.0.9:6379' });
    expect(asked).toEqual(['node-1: CLUSTER MEET 10.0.0.9 6379']);
  });
  it('is asked to replicate until it knows its primary, and no longer than it may take', async () => {
    const knows = stage('ERR Unknown node', 'ERR Unknown node', 'OK');
    expect(await replicate(knows.stage, 'node-4', 'x', '10s')).toBe(true);
    expect(knows.asked).toHaveLength(3);
    expect(await replicate(stage('ERR Unknown node').stage, 'node-4', 'x', '1ms')).toBe(false);
  });
});

describe('the newest view of a node', () => {
  it('is what it told last, and empty where it told none', () => {
    const renamed = film({
      change: (answers, _node, atMs) => {
        if (atMs > 9_900) answers.topology = answers.topology.slice(0, 2);
      },
    });
    expect(newestView(renamed, 'node-1')).toHaveLength(2);
    expect(newestView(recorded(), 'node-2').map(({ id }) => id)).toContain(idOf('node-6'));
    expect(newestView(renamed, 'nobody')).toEqual([]);
  });
});
