import { soundHistory } from '../consistency/seen.ts';
import type { Timeline } from '../../src/timeline/timeline.ts';
import type { Happening } from '../../src/timeline.ts';
import { type Change, idOf, recorded, run } from '../recorded.ts';
import { type Answers, fault, film, line, type Timed } from './recorded.ts';

const at =
  (where: string, change: (answers: Answers) => void, when?: string): Change =>
  (answers, node, phase) => {
    if (node === where && (when === undefined || phase === when)) change(answers as never);
  };
const edit = <T>(value: T, changes: object): T => ({ ...value, ...changes });
const firstPeer = (changes: object) => (answers: Answers) => {
  answers.topology = answers.topology.map((peer) => (peer.flags.includes('myself') ? peer : edit(peer, changes)));
};
const own = (changes: object) => (answers: Answers) => {
  answers.topology = answers.topology.map((peer) => (peer.flags.includes('myself') ? edit(peer, changes) : peer));
};
const replication = (changes: object) => (answers: Answers) => {
  answers.replication = edit(answers.replication, changes);
};
const memory = (changes: object) => (answers: Answers) => {
  answers.memory = edit(answers.memory, changes);
};
const persistence = (changes: object) => (answers: Answers) => {
  answers.persistence = edit(answers.persistence, changes);
};
const counters = (changes: object) => (answers: Answers) => {
  answers['cluster-info'] = edit(answers['cluster-info'], { counters: { ...answers['cluster-info'].counters, ...changes } });
};
/** In a film: a node answers so from a moment on. */
const from =
  (fromMs: number, where: string, change: (answers: Answers) => void) =>
  (answers: Answers, node: string, atMs: number): void => {
    if (node === where && atMs >= fromMs) change(answers);
  };
const logged = (atMs: number, node: string, kind: 'certificate-refused' | 'login-refused'): Timed => ({
  atMs,
  type: 'log-line',
  node,
  kind,
  loggedAtMs: atMs,
  text: '1:M 24 Nov 2026 23:05:01.848 # refused',
});
const takeover: Change = (answers, node, phase) => {
  if (phase !== 'form' && phase !== 'steady' && node === 'node-4')
    own({ flags: ['myself', 'master'], slots: [[0, 5460]], primary: null, configEpoch: 7 })(answers);
};

/** A record, or a film, with one defect; what clients did in it is sound unless told. */
type Planted = (NonNullable<Parameters<typeof recorded>[0]> | { readonly film: Parameters<typeof film>[0] }) & {
  readonly history?: string;
};

export const timelineOf = (defect: Planted): Timeline => ('film' in defect ? film(defect.film) : recorded(defect));

/** For each property, records with one planted defect that it must find: at least one. */
export const planted: Readonly<Record<string, readonly [Planted, ...Planted[]]>> = {
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
  'one-acknowledger-per-slot': [
    {
      film: { change: from(3_000, 'node-4', own({ flags: ['myself', 'master'], slots: [[0, 5460]], primary: null, configEpoch: 7 })) },
      history: `${soundHistory}\n2000-2001 c1 node-1 add bar 50\n4000-4001 c2 node-4 add bar 51\n5000-5001 c1 node-1 add bar 52\nfinal node-4 members bar 51`,
    },
  ],
  'backlog-holds-writes': [
    {
      film: {
        info: { budget: { backlogSeconds: 60 } },
        change: (answers, node, atMs) =>
          replication({ backlogSizeBytes: 1_000_000, ...(node === 'node-1' ? { offset: 100 * atMs } : {}) })(answers),
      },
    },
  ],
  'bus-memory-bounded': [
    { film: { info: { budget: { busBytes: 100_000 } }, change: from(4_000, 'node-3', memory({ linkBytes: 9_000_000 })) } },
  ],
  'certificates-are-accepted': [
    {
      film: {
        info: { settings: { ...run.settings, 'tls-port': '6379', loglevel: 'verbose' } },
        extra: [logged(9_900, 'node-2', 'certificate-refused')],
      },
    },
  ],
  'cluster-check-agrees': [
    {
      film: {
        extra: [
          { atMs: 9_950, type: 'cluster-checked', node: 'node-1', exitCode: 1, objections: ['Nodes don’t agree about configuration!'] },
        ],
      },
    },
  ],
  'cut-off-primary-refuses': [{ film: { info: { budget: { aloneMs: 3_000 } }, extra: fault('node-1', 'isolated', 2_000, 8_000) } }],
  'failovers-bounded': [
    {
      film: {
        info: { budget: { failovers: 0 } },
        change: from(5_000, 'node-4', own({ flags: ['myself', 'master'], slots: [[0, 5460]], primary: null })),
      },
    },
  ],
  'forks-bounded': [
    { film: { info: { budget: { forkMs: 100 } }, change: from(4_000, 'node-2', persistence({ lastForkMicros: 2_500_000 })) } },
  ],
  'fragmentation-bounded': [
    { change: at('node-1', memory({ usedBytes: 60_000_000, rssBytes: 140_000_000, fragmentation: 2.6, allocatorFragmentation: 2.3 })) },
  ],
  'gap-bounded': [
    { film: { info: { budget: { gapMs: 2_000 } } }, history: soundHistory },
    { film: {}, history: soundHistory },
  ],
  'read-gap-bounded': [
    { film: { info: { budget: { readGapMs: 2_000 } } }, history: soundHistory },
    { film: {}, history: soundHistory },
  ],
  'operations-are-answered': [{ history: `${soundHistory}\n240-900 c1 node-1 set r 8 unknown:never-answered` }],
  'dead-primary-is-replaced': [
    {
      film: {
        change: (answers, node, atMs) => {
          if (node === 'node-2' && atMs > 3_000) line(answers, idOf('node-1'), { flags: ['master', 'fail'] });
        },
      },
    },
  ],
  'gossip-rate-bounded': [
    {
      film: {
        change: (answers, node, atMs) => {
          if (node === 'node-2') counters({ cluster_stats_messages_sent: atMs * 1.5 })(answers);
        },
      },
    },
  ],
  'keys-can-be-read': [{ info: { budget: { unreadableKeys: 0 } }, history: soundHistory.replace('final node-1 members s 7\n', '') }],
  'loads-in-time': [{ film: { info: { budget: { loadingMs: 1_500 } }, change: from(3_000, 'node-4', persistence({ loading: true })) } }],
  'logins-are-accepted': [{ film: { extra: [logged(9_900, 'node-1', 'login-refused')] } }],
  'memory-below-limit': [{ film: { change: from(3_000, 'node-3', memory({ limitBytes: 10_000_000, usedBytes: 9_000_000 })) } }],
  'no-ghosts': [{ film: { change: from(9_000, 'node-2', firstPeer({ id: 'f'.repeat(40) })) } }],
  'no-orphaned-keys': [
    {
      change: at('node-1', (a) => {
        a['slot-keys'] = { counts: [[6_000, 2]] };
      }),
    },
  ],
  'other-shards-serve': [
    // 'bar' is of the shard that is hurt, 'k' of another.
    {
      film: { info: { budget: { otherShardsGapMs: 2_000 } }, extra: fault('node-1', 'crashed', 2_000, 8_000) },
      history: `${soundHistory}\n1500-1501 c1 node-1 add bar 50\n1500-1501 c1 node-2 add k 51`,
    },
  ],
  'redirects-bounded': [{ film: { extra: [{ atMs: 8_995, type: 'workload-stopped', ok: 100, failed: 0, unknown: 0, redirects: 101 }] } }],
  'repair-ends-resyncs': [
    {
      film: {
        info: { budget: { fullResyncsAfterRepair: 1 } },
        change: (answers, node, atMs) => {
          if (node === 'node-1') replication({ syncFull: Math.floor(atMs / 1_000) })(answers);
        },
        extra: [{ atMs: 5_000, type: 'commanded', node: 'node-1', command: 'CONFIG SET …', answer: 'OK', failed: false }],
      },
    },
  ],
  'replication-lag-bounded': [
    { film: { info: { budget: { lagBytes: 3_000_000 } }, change: from(4_000, 'node-1', replication({ offset: 4_000_000 })) } },
  ],
  'resyncs-are-partial': [{ film: { info: { budget: { fullResyncs: 1 } }, change: from(4_000, 'node-1', replication({ syncFull: 3 })) } }],
  'snapshots-succeed': [
    { film: { change: from(3_000, 'node-2', persistence({ snapshotOk: false })) } },
    { film: { change: from(3_000, 'node-2', persistence({ aofOk: false })) } },
  ],
  'stalls-bounded': [
    {
      film: {
        info: { budget: { stallMs: 1_000 } },
        change: (_answers, node, atMs) => (node === 'node-1' && atMs > 3_000 && atMs < 5_000 ? false : undefined),
      },
    },
  ],
  'suspicions-bounded': [
    { film: { info: { budget: { suspicions: 0 } }, change: from(2_000, 'node-2', firstPeer({ flags: ['master', 'fail?'] })) } },
  ],
};
