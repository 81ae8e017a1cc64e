import { describe, expect, it } from 'vitest';
import { allInvariants } from '../../src/invariants.ts';
import { Timeline } from '../../src/timeline/timeline.ts';
import type { Happening } from '../../src/timeline.ts';
import { type Change, idOf, recorded, run } from '../recorded.ts';

const at =
  (where: string, change: (answers: Parameters<Change>[0]) => void, when?: string): Change =>
  (answers, node, phase) => {
    if (node === where && (when === undefined || phase === when)) change(answers as never);
  };
const edit = <T>(value: T, changes: object): T => ({ ...value, ...changes });
const firstPeer = (changes: object) => (answers: Parameters<Change>[0]) => {
  answers.topology = answers.topology.map((peer) => (peer.flags.includes('myself') ? peer : edit(peer, changes)));
};
const own = (changes: object) => (answers: Parameters<Change>[0]) => {
  answers.topology = answers.topology.map((peer) => (peer.flags.includes('myself') ? edit(peer, changes) : peer));
};
const replication = (changes: object) => (answers: Parameters<Change>[0]) => {
  answers.replication = edit(answers.replication, changes);
};
const missing = { key: 'k', slot: 1, value: '2', found: '1', node: 'node-1', sentAtMs: 9_000, acknowledgedAtMs: 9_001 };
const takeover: Change = (answers, node, phase) => {
  if (phase !== 'form' && phase !== 'steady' && node === 'node-4')
    own({ flags: ['myself', 'master'], slots: [[0, 5460]], primary: null, configEpoch: 7 })(answers);
};

/** For each property, records with one planted defect that it must find. */
const planted: Readonly<Record<string, readonly Parameters<typeof recorded>[0][]>> = {
  'state-ok': [
    {
      change: at('node-5', (a) => {
        a['cluster-info'] = edit(a['cluster-info'], { state: 'fail' });
      }),
    },
    {
      change: at('node-2', (a) => {
        a['cluster-info'] = edit(a['cluster-info'], { counters: { ...a['cluster-info'].counters, cluster_slots_ok: 16_000 } });
      }),
    },
  ],
  'slots-covered-once': [
    { change: at('node-1', own({ slots: [[0, 5459]] })) },
    { change: at('node-4', own({ flags: ['myself', 'master'], slots: [[0, 0]] })) },
  ],
  'views-agree': [
    { change: at('node-3', firstPeer({ flags: ['master', 'fail?'] })) },
    { change: at('node-3', firstPeer({ linked: false })) },
    {
      change: at('node-3', (a) => {
        a.topology = a.topology.slice(0, 5);
      }),
    },
  ],
  'epochs-unique': [
    {
      change: (a) => {
        a.topology = a.topology.map((peer) => edit(peer, { configEpoch: 1 }));
      },
    },
    {
      change: at('node-6', (a) => {
        a['cluster-info'] = edit(a['cluster-info'], { counters: { ...a['cluster-info'].counters, cluster_current_epoch: 5 } });
      }),
    },
    {
      change: at(
        'node-6',
        (a) => {
          a['cluster-info'] = edit(a['cluster-info'], { counters: { ...a['cluster-info'].counters, cluster_current_epoch: 9 } });
        },
        'form',
      ),
    },
  ],
  'one-primary-per-shard': [{ change: at('node-4', own({ flags: ['myself', 'master'], slots: [[0, 5460]] })) }],
  'no-open-slots': [{ change: at('node-1', own({ open: [{ slot: 7, direction: 'migrating', peer: idOf('node-2') }] })) }],
  'replicas-in-step': [
    { change: at('node-4', replication({ link: 'down' })) },
    { change: at('node-4', replication({ offset: 90 })) },
    { change: at('node-4', replication({ replid: 'another' })) },
  ],
  'no-endless-full-resync': [
    { change: at('node-1', replication({ syncFull: 3 }), 'verify') },
    {
      extra: [1, 2].map(
        () => ({ type: 'log-line', node: 'node-1', loggedAtMs: 1, kind: 'output-buffer-overrun', text: 'Client …' }) as Happening,
      ),
    },
  ],
  'bus-links-complete': [
    {
      change: at('node-2', (a) => {
        a.links = a.links.slice(1);
      }),
    },
    { change: at('node-2', firstPeer({ linked: false })), info: { engine: { kind: 'redis', version: '6.0.16', image: '' } } },
  ],
  'replica-follows-primary': [{ change: at('node-6', replication({ primaryAddress: '10.9.9.9:6379' })) }],
  'no-unexpected-exit': [
    { extra: [{ type: 'container-exited', node: 'node-1', exitCode: 137, expected: false }] },
    { extra: [{ type: 'log-line', node: 'node-1', loggedAtMs: 1, kind: 'crashed', text: 'crashed by signal 11' }] },
  ],
  'data-not-empty': [
    {
      change: at('node-1', (a) => {
        a.keys = { count: 0 };
      }),
    },
  ],
  'recovers-in-time': [{ extra: [{ type: 'not-settled', lacking: ['node-1 does not answer'] }] }],
  'live-primary-keeps-its-slots': [{ change: takeover }, { change: at('node-2', firstPeer({ flags: ['master', 'fail'] }), 'disturb') }],
  'no-acknowledged-write-lost': [],
};

describe('every invariant', async () => {
  const invariants = await allInvariants();

  it('has a planted defect here, or tests of its own below', () => {
    expect(Object.keys(planted).sort()).toEqual(invariants.map(({ name }) => name).sort());
  });

  for (const invariant of invariants) {
    it(`${invariant.name} holds on a healthy record`, () => {
      expect(invariant.check(recorded())).toMatchObject({ outcome: 'held' });
    });
    it(`${invariant.name} is unknown on a record that saw nothing`, () => {
      expect(invariant.check(new Timeline(run, []))).toMatchObject({ outcome: 'unknown' });
    });
    for (const [index, defect] of (planted[invariant.name] ?? []).entries()) {
      it(`${invariant.name} finds planted defect ${index + 1} and names its witnesses`, () => {
        const finding = invariant.check(recorded(defect));
        expect(finding).toMatchObject({ outcome: 'violated' });
        expect(finding.outcome === 'violated' && finding.witnesses.length).toBeGreaterThan(0);
      });
    }
  }

  const lost = invariants.find(({ name }) => name === 'no-acknowledged-write-lost');
  const withLoss = (extra: readonly Happening[]): Timeline => {
    const timeline = recorded({ extra });
    return new Timeline(
      timeline.run,
      timeline.events.map((event) => (event.type === 'read-back' ? { ...event, missing: [missing] } : event)),
    );
  };
  const exposing = (node: string): Happening => ({
    type: 'fault-injecting',
    fault: 1,
    name: 'x',
    plan: {},
    nodes: [node],
    exposes: [{ node, how: 'isolated' }],
  });

  it('no-acknowledged-write-lost finds a loss that no fault explains', () => {
    expect(lost?.check(withLoss([]))).toMatchObject({ outcome: 'violated' });
    expect(lost?.check(withLoss([exposing('node-2')]))).toMatchObject({ outcome: 'violated' });
  });
  it('no-acknowledged-write-lost counts a loss inside the documented window, and not one after it', () => {
    const timeline = withLoss([exposing('node-1')]);
    const near = (atMs: number): Timeline =>
      new Timeline(
        timeline.run,
        timeline.events.map((event) =>
          event.type === 'read-back' ? { ...event, missing: [{ ...missing, acknowledgedAtMs: atMs }] } : event,
        ),
      );
    const faultAtMs = timeline.of('fault-injecting')[0]?.atMs ?? 0;
    expect(lost?.check(near(faultAtMs + 3_000))).toMatchObject({ outcome: 'held' });
    expect(lost?.check(near(faultAtMs + 4_000))).toMatchObject({ outcome: 'violated' });
  });
});
