import { describe, expect, it } from 'vitest';
import { isHealthy, type Latest, lacking, viewOfMost } from '../../src/timeline/health.ts';
import type { NodeView } from '../../src/timeline/observation.ts';
import { healthy, idOf, run } from '../recorded.ts';
import { film, line } from '../invariant/recorded.ts';

type Answers = ReturnType<typeof healthy>;
/** The newest answers of six healthy nodes, after `change` had its way with each. */
function latest(change: (answers: Answers, node: string) => void = () => {}): Latest {
  const all = run.nodes.map(({ name }) => {
    const answers = healthy(name);
    change(answers, name);
    return [name, answers] as const;
  });
  return {
    clusterInfo: new Map(all.map(([name, answers]) => [name, answers['cluster-info']])),
    topology: new Map(all.map(([name, { topology }]) => [name, topology])),
    replication: new Map(all.map(([name, { replication }]) => [name, replication])),
  };
}
/** Changes what a node says of a peer; '*' is every node. */
const about = (who: string, peer: string, changes: Partial<NodeView>) => (answers: Answers, node: string) => {
  if (who === '*' || who === node)
    answers.topology = answers.topology.map((view) => (view.id === idOf(peer) ? { ...view, ...changes } : view));
};

describe('the view of most', () => {
  const { topology } = latest(about('node-1', 'node-4', { flags: ['master'], slots: [[0, 5460]], primary: null }));
  it('is not that of the first who answers, but one that most share', () => {
    expect(viewOfMost(run, topology)).toEqual({ node: 'node-2', view: topology.get('node-2') });
  });
  it('is the first where two are as many, and none where nobody told one', () => {
    expect(viewOfMost(run, new Map([...topology].slice(0, 2)))?.node).toBe('node-1');
    expect(viewOfMost(run, new Map())).toBeUndefined();
  });
});

describe('lacking', () => {
  it('knows how many primaries were formed without a replica', () => {
    // node-1 has two, node-2 one, node-3 none.
    const primaryOf: Readonly<Record<string, string>> = { 'node-4': 'node-1', 'node-5': 'node-1', 'node-6': 'node-2' };
    const formed = {
      nodes: run.nodes.map((node) => ({ ...node, ...(primaryOf[node.name] ? { primary: primaryOf[node.name] as string } : {}) })),
    };
    const as = (wanted: Readonly<Record<string, string>>) =>
      latest((answers) => {
        answers.topology = answers.topology.map((peer) => {
          const of = run.nodes.find(({ id }) => id === peer.id)?.name ?? '';
          return wanted[of] ? { ...peer, primary: idOf(wanted[of]) } : peer;
        });
      });
    expect(lacking(formed, as(primaryOf))).toEqual([]);
    // A replica that moved to the one without: still one primary has none.
    expect(lacking(formed, as({ ...primaryOf, 'node-6': 'node-3' }))).toEqual([]);
    expect(lacking(formed, as({ 'node-4': 'node-1', 'node-5': 'node-1', 'node-6': 'node-1' }))).toEqual([
      'no node replicates node-2',
      'no node replicates node-3',
    ]);
  });
  it('finds nothing in a healthy cluster', () => expect(lacking(run, latest())).toEqual([]));
  it('names a node that does not answer', () => {
    const answers = latest();
    expect(lacking(run, { ...answers, replication: new Map([...answers.replication].slice(1)) })).toContain('node-1 does not answer');
    expect(lacking(run, { clusterInfo: new Map(), topology: new Map(), replication: new Map() })).toHaveLength(7);
  });
  it('names a node whose state is not ok', () => {
    expect(
      lacking(
        run,
        latest((answers, node) => {
          if (node === 'node-2') answers['cluster-info'] = { ...answers['cluster-info'], state: 'fail' };
        }),
      ),
    ).toEqual(['node-2 says cluster_state:fail']);
  });
  it('sees a gap and an overlap that add up to 16384 slots', () => {
    expect(
      lacking(
        run,
        latest(
          about('*', 'node-1', {
            slots: [
              [0, 5459],
              [5461, 5461],
            ],
          }),
        ),
      ),
    ).toEqual(['1 slots are claimed by no primary, 1 by more than one']);
  });
  it('names flags, missing bus links and strangers', () => {
    expect(lacking(run, latest(about('node-3', 'node-1', { flags: ['master', 'fail?'] })))).toEqual(['node-3 flags node-1 as fail?']);
    expect(lacking(run, latest(about('node-3', 'node-1', { linked: false })))).toEqual(['node-3 has no bus link to node-1']);
    expect(lacking(run, latest(about('node-3', 'node-6', { id: 'f'.repeat(40) })))).toEqual(
      expect.arrayContaining(['node-3 does not know node-6', 'node-3 knows a stranger ffffffff…']),
    );
  });
  it('names nodes that disagree on roles, slots or addresses, but lets a node not know its own address', () => {
    expect(lacking(run, latest(about('node-5', 'node-2', { slots: [[5461, 10_921]] })))).toEqual([
      'node-5 and node-1 describe different roles or slots',
    ]);
    expect(lacking(run, latest(about('node-5', 'node-2', { address: '10.9.9.9:6379' })))).toEqual([
      'node-2 is listed at 10.0.0.2:6379 and at 10.9.9.9:6379',
    ]);
    expect(lacking(run, latest(about('node-2', 'node-2', { address: ':6379' })))).toEqual([]);
  });
  it('does not take a stranger in one view for a disagreement on slots, unless it has some', () => {
    const ghost = (slots: NodeView['slots']) =>
      lacking(
        run,
        latest((answers, node) => {
          const [peer] = answers.topology;
          if (node === 'node-5' && peer) answers.topology = [...answers.topology, { ...peer, id: 'f'.repeat(40), slots }];
        }),
      );
    expect(ghost([])).toEqual(['node-5 knows a stranger ffffffff…']);
    expect(ghost([[0, 5460]])).toContain('node-5 and node-1 describe different roles or slots');
  });
  it('names a replica that is not in step, and a primary without one', () => {
    expect(
      lacking(
        run,
        latest((answers, node) => {
          if (node === 'node-4') answers.replication = { ...answers.replication, syncInProgress: true };
        }),
      ),
    ).toEqual(['node-4 is not in step with its primary (link up)']);
    expect(lacking(run, latest(about('*', 'node-4', { primary: idOf('node-2') })))).toEqual(['no node replicates node-1']);
  });
  it('does not ask for replicas that were never formed', () => {
    const lone = { ...run, nodes: run.nodes.slice(0, 3) };
    const { clusterInfo, topology, replication } = latest((answers) => {
      answers.topology = answers.topology.slice(0, 3);
    });
    const primaries = <T>(map: ReadonlyMap<string, T>): Map<string, T> => new Map([...map].slice(0, 3));
    expect(
      lacking(lone, { clusterInfo: primaries(clusterInfo), topology: primaries(topology), replication: primaries(replication) }),
    ).toEqual([]);
  });
});

describe('isHealthy', () => {
  it('asks what every node said last', () => {
    expect(isHealthy(film())).toBe(true);
    const flagged = (fromMs: number, toMs: number) =>
      film({
        change: (answers, node, atMs) => {
          if (node === 'node-2' && atMs >= fromMs && atMs < toMs) line(answers, idOf('node-1'), { flags: ['master', 'fail?'] });
        },
      });
    expect(isHealthy(flagged(2_000, 4_000))).toBe(true);
    expect(isHealthy(flagged(9_000, 10_000))).toBe(false);
  });
  it('does not count what a node said before it fell silent', () => {
    expect(isHealthy(film({ change: (_answers, node, atMs) => (node === 'node-2' && atMs > 9_000 ? false : undefined) }))).toBe(false);
  });
});
