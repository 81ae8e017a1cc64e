/*
 * A node's clock is wrong: a time server that steps it, a virtual machine that was moved. Values with a time to live end
 * by the clock of the primary that holds them (db.c keyIsExpired), and from 7.0 on a replica is sent the moment of their
 * end, not how long they live. So a clock that jumps ahead ends sessions and locks before their time, one that jumps back
 * lets them live on, and that of a replica does neither until the day of a failover.
 *
 * Scaled: times to live are 3 s, the clock is off by 2 minutes.
 *
 * One document blames drifting clocks for time-outs of the cluster. What the run shows is that the cluster itself bears
 * nearly all of them: a node compares times with its own earlier ones only (cluster.c clusterCron) and throws away what
 * others say of a later time than its own (clusterProcessGossipSection), so that nobody is suspected, and a failover comes
 * in time. What a jump of more than repl-timeout costs is a replication link that is given up, and a partial resync. The
 * exception (variant blind): who has heard from a node and is set back then has heard from it in the future, and cannot
 * suspect it before that time has come. One voter of three that is set back in the moment of a death stops the failover.
 */
import clockSkew from '../src/fault/clock-skew.ts';
import failover from '../src/fault/failover.ts';
import kill from '../src/fault/kill.ts';
import { defineExperiment, replaced } from '../src/index.ts';
import type { EngineInfo } from '../src/timeline.ts';
import expiring from '../src/workload/expiring.ts';
import registers from '../src/workload/registers.ts';

const untimely = { 'values-expire-in-time': 'violated' } as const;

/** Before 7.0 a replica is told how long a value of SET PX lives, and counts by its own clock (t_string.c setGenericCommand). */
const sendsEnds = ({ kind, version }: EngineInfo): boolean => kind === 'valkey' || Number(version.split('.')[0]) >= 7;

export default defineExperiment({
  name: 'clock-drift',
  hypothesis: 'A value lives for the time that it was given, whatever happens to the clock of one node.',
  failure: {
    level: 'medium',
    symptom: 'sessions, locks and rate limits end early or never, on one shard only or since a failover',
    cause:
      'A value ends when the clock of its primary says so (db.c keyIsExpired); replicas are sent the moment of its end (t_string.c setGenericCommand makes it PXAT).',
    setting: 'none: the clock of each host',
    remedy:
      'A time server that slews clocks and never steps them, an alert on the difference of TIME between nodes, replicas included, and locks that bear an early end.',
    engines:
      'Until 6.2 a replica is sent for how long a value of SET with EX or PX lives and counts by its own clock, so that one that is wrong does no harm at a failover; from 7.0 on, and in Valkey, it is sent the moment of the end.',
    audit: 'No setting decides: it hits every value with a time to live on a host whose clock is wrong.',
  },
  budget: { failovers: 0, suspicions: 0 },
  workload: expiring({ rate: 400, readShare: 0.8, keys: 600, ttlMs: 3_000 }),
  variants: {
    // The way back, at the end, lets values live on: what is asked here is what ended early.
    wounded: { about: "a primary's clock jumps 2 minutes ahead", budget: { livingDead: 1_000_000 }, expect: untimely },
    // The way back, at the end, is a jump ahead, and ends values early: what is asked here is what lived too long.
    'set-back': { about: "a primary's clock jumps 2 minutes back", budget: { lostWrites: 1_000_000 }, expect: untimely },
    replica: {
      about: "a replica's clock is 2 minutes ahead, which nobody notices until it becomes the primary",
      // The way back as above.
      budget: { failovers: 1, livingDead: 1_000_000 },
      // The failover is an operator's.
      invariants: { except: ['live-primary-keeps-its-slots'] },
      expect: (engine) => (sendsEnds(engine) ? untimely : {}),
    },
    voter: {
      about: "a primary's clock jumps 2 minutes ahead, and another primary dies: the failover comes in time",
      workload: registers({ rate: 200 }),
      // What a failover may take (theory.ts), with an allowance.
      budget: { failovers: 1, suspicions: 10, gapMs: 6_300 },
    },
    blind: {
      about: 'a primary dies, and at once the clock of another one is set back by 2 minutes: no failover until it is right again',
      config: { 'cluster-node-timeout': 6_000 },
      workload: registers({ rate: 200 }),
      budget: { failovers: 1, suspicions: 10, gapMs: 14_300 },
      expect: { 'gap-bounded': 'violated' },
    },
    cured: { about: "a primary's clock is off by half a second, less than the second that the check allows" },
  },
  async disturb({ inject, need, until, sleep, variant, cluster }) {
    if (variant === 'blind') {
      await using killed = await inject(kill('one primary'));
      const [dead = ''] = killed.nodes;
      const voter = cluster.nodes.find(({ name, formedAs }) => formedAs === 'primary' && name !== dead)?.name ?? '';
      {
        await using _back = await inject(clockSkew(voter, { offset: '-2m' }));
        await until('it is replaced all the same', (timeline) => replaced(timeline, dead), '16s');
      }
      await need('it is replaced', (timeline) => replaced(timeline, dead), '15s');
      return;
    }
    const offset = { 'set-back': '-2m', cured: '500ms' }[variant] ?? '2m';
    await using skewed = await inject(clockSkew(variant === 'replica' ? 'one replica' : 'one primary', { offset }));
    const [node = ''] = skewed.nodes;
    if (variant === 'replica') {
      await sleep('2s');
      await inject(failover(node));
    }
    if (variant === 'voter') {
      const other = cluster.nodes.find(({ name, formedAs }) => formedAs === 'primary' && name !== node)?.name ?? '';
      await using _killed = await inject(kill(other));
      await until('it is replaced', (timeline) => replaced(timeline, other), '15s');
    }
    await sleep('4s');
  },
});
