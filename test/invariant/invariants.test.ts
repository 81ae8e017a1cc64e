import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seen, soundHistory } from '../consistency/seen.ts';
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
const takeover: Change = (answers, node, phase) => {
  if (phase !== 'form' && phase !== 'steady' && node === 'node-4')
    own({ flags: ['myself', 'master'], slots: [[0, 5460]], primary: null, configEpoch: 7 })(answers);
};

/** For each property, records with one planted defect that it must find. */
const planted: Readonly<Record<string, readonly (NonNullable<Parameters<typeof recorded>[0]> & { readonly history?: string })[]>> = {
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
  'no-acknowledged-write-lost': [
    { history: `${soundHistory}\n240-241 c1 node-1 add s 8` },
    { history: `${soundHistory}\n240-241 c1 node-1 set r 8` },
    { history: `${soundHistory}\n240-241 c1 node-1 set-pair p 8` },
  ],
  'nothing-made-up': [
    { history: soundHistory.replace('final node-1 members s 7', 'final node-1 members s 7 99') },
    { history: `${soundHistory.replace('final node-1 members s 7', 'final node-1 members s 7 8')}\n240-241 c1 node-1 add s 8 failed:oom` },
    { history: `${soundHistory}\n240-241 c2 node-1 get r foreign` },
    { history: `${soundHistory.replace('final node-1 range l 6', 'final node-1 range l 8 6')}\n240-241 c1 node-1 append l 8` },
  ],
  'reads-are-fresh': [
    { history: `${soundHistory.replace('get r 1\nfinal', 'get r 8\nfinal')}\n240-241 c1 node-1 set r 8\n242-243 c2 node-1 get r 1` },
  ],
  'reads-never-go-back': [{ history: `${soundHistory}\n240-241 c1 node-1 set r 8\n242-243 c2 node-1 get r 8\n244-245 c2 node-1 get r 1` }],
  'reads-see-own-writes': [{ history: `${soundHistory}\n240-241 c1 node-1 set r 8\n242-243 c1 node-1 get r 1` }],
  'registers-linearizable': [{ history: `${soundHistory}\n240-241 c1 node-1 set r 8\n242-243 c2 node-1 get r 1` }],
  'transactions-whole': [
    { history: `${soundHistory}\n240-241 c1 node-1 set-pair p 8\n242-243 c2 node-1 get-pair p 8 2` },
    { history: soundHistory.replace('final node-1 get-pair p 2 2', 'final node-1 get-pair p 2 nothing') },
  ],
  'counters-exact': [
    { history: `${soundHistory}\n240-241 c1 node-1 increment n 2 #8` },
    { history: soundHistory.replace('final node-1 count n 1', 'final node-1 count n 2') },
  ],
  'queue-delivers': [
    { history: `${soundHistory}\n240-241 c1 node-1 push q 8` },
    { history: `${soundHistory}\n240-241 c2 node-1 take q 4` },
    { history: soundHistory.replace('final node-1 range q:taken 4', 'final node-1 range q:taken') },
    { history: `${soundHistory}\n240-241 c2 node-1 take q 77` },
  ],
  'values-expire-in-time': [
    { history: `${soundHistory}\n240-241 c2 node-1 get-expiring e nothing` },
    {
      history: soundHistory.replace(
        'get-expiring e 5\n228',
        'get-expiring e 5\n1240-1241 c1 node-1 set-expiring e2 8 10\n2900-2901 c1 node-1 get-expiring e2 8\n228',
      ),
    },
  ],
  'one-acknowledger-per-slot': [],
};

describe('every invariant', async () => {
  const invariants = await allInvariants();

  const ownTests = readdirSync(import.meta.dirname);
  it('has a planted defect here, or a file of tests of its own', () => {
    const untested = invariants.filter(({ name }) => !(name in planted) && !ownTests.includes(`${name}.test.ts`));
    expect(untested.map(({ name }) => name)).toEqual([]);
    expect(Object.keys(planted).filter((name) => !invariants.some((invariant) => invariant.name === name))).toEqual([]);
  });

  for (const invariant of invariants) {
    // One that is asked of some runs only is tested with such a run, in its own file.
    if (!(invariant.suits?.(run) ?? true)) continue;
    it(`${invariant.name} holds on a healthy record`, () => {
      const timeline = recorded();
      expect(invariant.check(timeline, seen(soundHistory, timeline))).toMatchObject({ outcome: 'held' });
    });
    it(`${invariant.name} is unknown on a record that saw nothing`, () => {
      expect(invariant.check(new Timeline(run, []), null)).toMatchObject({ outcome: 'unknown' });
    });
    for (const [index, defect] of (planted[invariant.name] ?? []).entries()) {
      it(`${invariant.name} finds planted defect ${index + 1} and names its witnesses`, () => {
        const timeline = recorded(defect);
        const finding = invariant.check(timeline, seen(defect.history ?? soundHistory, timeline));
        expect(finding).toMatchObject({ outcome: 'violated' });
        expect(finding.outcome === 'violated' && finding.witnesses.length).toBeGreaterThan(0);
      });
    }
  }
});
