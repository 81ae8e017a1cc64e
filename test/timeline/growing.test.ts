import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linked, overrun } from '../../src/outage.ts';
import { roleChanges } from '../../src/timeline/claims.ts';
import { isHealthy } from '../../src/timeline/health.ts';
import { ever } from '../../src/timeline/ever.ts';
import { lags } from '../../src/timeline/lag.ts';
import type { ProbeName } from '../../src/timeline/observation.ts';
import { resyncs } from '../../src/timeline/resyncs.ts';
import { type Fold, type Seen, Timeline, withRenamed } from '../../src/timeline/timeline.ts';
import { type Happening, phases, type TimelineEvent } from '../../src/timeline.ts';
import { healthy, idOf, run } from '../recorded.ts';
import { naive, NaiveTimeline, renamed } from './naive.ts';

/** Two primaries, their replicas, and one that is none of the run's nodes. */
const nodes = ['node-1', 'node-2', 'node-4', 'node-5', 'spare-1'];
const probes = ['ping', 'cluster-info', 'topology', 'replication'] as const satisfies readonly ProbeName[];
type Asked = (typeof probes)[number];
const aNode = fc.constantFrom(...nodes);
const often = <T>(usual: T, ...unusual: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(usual, usual, usual, ...unusual);

function valueOf(node: string, probe: Asked): fc.Arbitrary<unknown> {
  const sound = healthy(node === 'spare-1' ? 'node-6' : node);
  switch (probe) {
    case 'ping':
      return fc.constant(sound.ping);
    case 'cluster-info':
      return often('ok', 'fail').map((state) => ({ ...sound['cluster-info'], state }));
    case 'topology':
      return fc
        .record({ primary: fc.boolean(), knowsItself: often(true, false), usual: fc.boolean() })
        .map(({ primary, knowsItself, usual }) =>
          sound.topology.map((peer) =>
            usual || !peer.flags.includes('myself')
              ? peer
              : { ...peer, flags: [...(knowsItself ? ['myself'] : []), primary ? 'master' : 'slave'] },
          ),
        );
    case 'replication':
      return fc
        .record({
          runId: fc.constantFrom(`run of ${node}`, 'a', 'b'),
          role: often(sound.replication.role, 'primary', 'replica'),
          replid: often('one', 'other'),
          offset: fc.nat(8).map((blocks) => blocks * 10_000),
          link: often('up', 'down'),
          syncInProgress: often(false, true),
          primaryAddress: often('10.0.0.1:6379', '10.0.0.2:6379', 'nowhere:1'),
          syncFull: fc.nat(5),
          syncPartialOk: fc.nat(5),
        })
        .map((changes) => ({ ...sound.replication, ...changes }));
  }
}
const answersTo = (...asked: readonly Asked[]): fc.Arbitrary<unknown> =>
  fc
    .record({ node: aNode, probe: fc.constantFrom(...asked) })
    .chain(({ node, probe }) => valueOf(node, probe).map((value) => ({ type: 'observed', node, probe, value })));
const others = fc.oneof(
  fc.record({ type: fc.constant('phase-entered'), phase: fc.constantFrom(...phases) }),
  fc.record({
    type: fc.constant('probe-failed'),
    node: aNode,
    probe: fc.constantFrom(...probes),
    because: fc.constant('Command timed out'),
  }),
  fc.record({ type: fc.constantFrom('fault-injected', 'fault-healed'), fault: fc.nat(3) }),
  fc.record({ type: fc.constant('harness-stalled'), forMs: fc.nat(2_000) }),
  fc.record({ type: fc.constant('member-renamed'), node: aNode, id: fc.constantFrom('b', 'c', 'd').map(idOf) }),
  fc.record({ type: fc.constant('noted'), text: fc.string() }),
);

/** Events with these times between them, most of them answers to these probes. */
const records = (leaps: fc.Arbitrary<number>, ...asked: readonly Asked[]): fc.Arbitrary<TimelineEvent[]> =>
  fc
    .array(fc.tuple(fc.oneof({ weight: 3, arbitrary: answersTo(...asked) }, { weight: 1, arbitrary: others }), leaps), {
      minLength: 1,
      maxLength: 80,
      size: 'max',
    })
    .map((items) => {
      let atMs = 0;
      return items.map(([happening, leap], seq): TimelineEvent => {
        atMs = Math.max(0, atMs + leap);
        return { seq, atMs, ...(happening as Happening) };
      });
    });
/** As a recorder gives them: at the same moment now and then. */
const inOrder = fc.constantFrom(0, 0.01, 10, 100, 300);
const outOfOrder = fc.integer({ min: -500, max: 500 });
/** A moment at which something is recorded, or any. */
const momentIn = (record: readonly TimelineEvent[], chance: number): number =>
  chance < 0 ? -chance : (record[chance % record.length]?.atMs ?? 0);
const chance = fc.oneof(fc.integer({ min: -9_000, max: -1 }), fc.nat(80));

/** Whether looks at a record that grows by so many events at a time are those of one who reads all of it each time. */
function looks(record: readonly TimelineEvent[], stepsOf: readonly number[], compare: (growing: Timeline, whole: NaiveTimeline) => void) {
  const events: TimelineEvent[] = [];
  const growing = new Timeline(run, events);
  compare(growing, new NaiveTimeline(run, events));
  for (let step = 0; events.length < record.length; step++) {
    events.push(...record.slice(events.length, events.length + (stepsOf[step % stepsOf.length] ?? 1)));
    compare(growing, new NaiveTimeline(run, events));
  }
}
const steps = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 });

/** The fields that an answer is known by. */
const fields = ({ seq, atMs, node, value }: Seen<ProbeName>) => ({ seq, atMs, node, value });
const fieldsOf = (found: ReadonlyMap<string, Seen<ProbeName> | null>) =>
  new Map([...found].map(([node, seen]) => [node, seen && fields(seen)]));

describe('a timeline of a record that grows', () => {
  for (const [name, leaps] of Object.entries({ 'in order': inOrder, 'out of order': outOfOrder })) {
    it(`answers as if it read all of it each time, where times are ${name}`, () => {
      fc.assert(
        fc.property(records(leaps, ...probes), steps, chance, chance, (all, stepsOf, from, to) => {
          const [fromMs, toMs] = [momentIn(all, from), momentIn(all, to)];
          looks(all, stepsOf, (growing, whole) => {
            expect(growing.run).toEqual(whole.run);
            expect(withRenamed(run, growing.events)).toEqual(renamed(run, whole.events));
            for (const type of ['phase-entered', 'observed', 'probe-failed', 'fault-healed', 'log-line'] as const)
              expect(growing.of(type)).toEqual(whole.of(type));
            for (const phase of phases) expect(growing.phaseAtMs(phase)).toBe(whole.phaseAtMs(phase));
            expect(growing.stoodStillMs(fromMs, toMs)).toBe(whole.stoodStillMs(fromMs, toMs));
            for (const probe of probes) {
              for (const span of [{}, { fromMs }, { toMs }, { fromMs, toMs }])
                for (const where of [{}, { node: '' }, ...nodes.map((node) => ({ node }))])
                  expect(growing.seen(probe, { ...where, ...span }).map(fields)).toEqual(whole.seen(probe, { ...where, ...span }));
              for (const node of [...nodes, 'nobody'])
                for (const span of [{}, { fromMs }, { toMs }])
                  expect(growing.newest(probe, node, span)).toEqual(whole.newest(probe, node, span));
              expect(growing.latest(probe)).toEqual(whole.latest(probe));
              expect(fieldsOf(growing.final(probe))).toEqual(whole.final(probe));
            }
          });
        }),
        { numRuns: 50 },
      );
    });
  }

  it('says of roles what one says who reads all of it each time', () => {
    fc.assert(
      fc.property(records(inOrder, 'topology'), steps, (all, stepsOf) =>
        looks(all, stepsOf, (growing, whole) => expect(roleChanges(growing)).toEqual(naive.roleChanges(whole))),
      ),
    );
  });
  it('says of health what one says who reads all of it each time', () => {
    fc.assert(
      fc.property(records(inOrder, 'topology', 'cluster-info', 'replication'), steps, (all, stepsOf) =>
        looks(all, stepsOf, (growing, whole) => expect(isHealthy(growing)).toBe(naive.isHealthy(whole))),
      ),
      { numRuns: 20 },
    );
  });
  it('says of replication what one says who reads all of it each time', () => {
    fc.assert(
      fc.property(records(inOrder, 'replication'), steps, chance, (all, stepsOf, from) => {
        const fromMs = momentIn(all, from);
        looks(all, stepsOf, (growing, whole) => {
          expect(resyncs(growing)).toEqual(naive.resyncs(whole));
          expect(resyncs(growing, fromMs)).toEqual(naive.resyncs(whole, fromMs));
          for (const node of nodes) {
            expect(linked(growing, node)).toBe(naive.linked(whole, node));
            expect(overrun(growing, node, 10_000, fromMs)).toBe(naive.overrun(whole, node, 10_000, fromMs));
          }
        });
      }),
    );
  });
  it('says of lags what one says who reads all of it each time', () => {
    // An answer at the very moment of the beginning of the steady phase is left out: on which side it is depends on the look.
    const steady: Happening = { type: 'phase-entered', phase: 'steady' };
    const early = {
      atMs: 0,
      seq: 0,
      type: 'observed',
      node: 'node-1',
      probe: 'replication',
      value: healthy('node-1').replication,
    } as const;
    const apart = records(inOrder, 'replication').map((all) =>
      [early, { atMs: 1, ...steady }, ...all.map((event) => ({ ...event, atMs: event.atMs + 2 }))].map(
        (event, seq) => ({ ...event, seq }) as TimelineEvent,
      ),
    );
    fc.assert(
      fc.property(apart, steps, (all, stepsOf) =>
        looks(all, stepsOf, (growing, whole) => {
          expect(lags(growing)).toEqual(naive.lags(whole));
          const ofOne = naive.lags(whole).filter(({ replica }) => replica === 'node-4');
          expect(lags(growing, 'node-4')).toEqual(ofOne);
        }),
      ),
    );
  });

  it('is not harmed by what a reader does to an answer', () => {
    fc.assert(
      fc.property(records(inOrder, ...probes), steps, (all, stepsOf) =>
        looks(all, stepsOf, (growing, whole) => {
          const given = [growing.of('observed'), growing.of('phase-entered'), roleChanges(growing), lags(growing)];
          for (const probe of probes) given.push(growing.seen(probe) as never, growing.seen(probe, { node: 'node-1' }) as never);
          for (const list of given) list.reverse().length = 0;
          for (const probe of probes) growing.latest(probe).clear();
          for (const probe of probes) expect(growing.seen(probe).map(fields)).toEqual(whole.seen(probe));
          expect(growing.of('observed')).toEqual(whole.of('observed'));
          expect(growing.latest('ping')).toEqual(whole.latest('ping'));
          expect(roleChanges(growing)).toEqual(naive.roleChanges(whole));
        }),
      ),
      { numRuns: 30 },
    );
  });

  it('takes up each answer once, however often it is looked at', () => {
    let taken = 0;
    const counting: Fold<'ping', number[]> = { probe: 'ping', start: () => [], step: (seqs, { seq }) => void (taken++, seqs.push(seq)) };
    const events: TimelineEvent[] = [];
    const timeline = new Timeline(run, events);
    for (let seq = 0; seq < 10; seq++) {
      events.push({ seq, atMs: seq, type: 'observed', node: 'node-1', probe: 'ping', value: { roundTripMs: 1 } });
      for (let look = 0; look < 3; look++) expect(timeline.folded(counting)).toHaveLength(seq + 1);
    }
    expect(taken).toBe(10);
  });

  it('asks of each answer once whether it ever was such, until it was', () => {
    const asked: number[] = [];
    const slow = ever('ping', ({ seq, value }) => {
      asked.push(seq);
      return value.roundTripMs > 5;
    });
    const events: TimelineEvent[] = [];
    const timeline = new Timeline(run, events);
    const said = [1, 2, 9, 1].map((roundTripMs, seq) => {
      events.push({ seq, atMs: seq, type: 'observed', node: 'node-1', probe: 'ping', value: { roundTripMs } });
      return [slow(timeline), slow(timeline)];
    });
    expect(said).toEqual([false, false, true, true].map((was) => [was, was]));
    expect(asked).toEqual([0, 1, 2]);
  });

  it('reads no event a second time to answer a second question', () => {
    let reads = 0;
    const events = new Proxy<TimelineEvent[]>([], {
      get: (target, name, receiver) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    for (let seq = 0; seq < 100; seq++)
      events.push({ seq, atMs: seq, type: 'observed', node: 'node-1', probe: 'replication', value: healthy('node-1').replication });
    const ask = (): void => {
      const timeline = new Timeline(run, events);
      timeline.newest('topology', 'node-6');
      timeline.seen('replication', { fromMs: 50 });
      timeline.final('replication');
      resyncs(timeline);
      lags(timeline);
      isHealthy(timeline);
      linked(timeline, 'node-1');
      void timeline.run;
      withRenamed(run, events);
    };
    ask();
    expect(reads).toBe(100);
    ask();
    expect(reads).toBe(100);
    events.push({ seq: 100, atMs: 100, type: 'noted', text: 'one more' });
    ask();
    expect(reads).toBe(101);
  });
});
