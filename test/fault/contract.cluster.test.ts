import { describe, expect, it } from 'vitest';
import { messageOf } from '../../src/base/errors.ts';
import { poll } from '../../src/base/poll.ts';
import { seededRandom } from '../../src/base/random.ts';
import { allFaults } from '../../src/faults.ts';
import type { ActiveFault, Fault } from '../../src/fault.ts';
import type { EventOf } from '../../src/timeline.ts';
import { drawn } from '../draw/drawn.ts';
import { exampleOf } from './contract.ts';
import { ground, keepGround } from './ground.ts';

keepGround();

/** The evidence that a fault bites, as the injector recorded it for this very instance. */
function effective(sinceSeq: number): Promise<readonly string[]> {
  return poll(
    'the fault to bite',
    () => {
      const found = ground.recorder.events.find(
        (event): event is EventOf<'fault-effective'> => event.type === 'fault-effective' && event.seq >= sinceSeq,
      );
      if (!found) throw new Error('nothing showed yet that it bites');
      return found.evidence;
    },
    { withinMs: 60_000 },
  );
}

/** Why a fault does not bite, which is recorded when it is healed. */
const ineffective = (sinceSeq: number): string | undefined =>
  ground.recorder.events.find((event): event is EventOf<'fault-ineffective'> => event.type === 'fault-ineffective' && event.seq >= sinceSeq)
    ?.because;

/** What the read-back of a fault shows, all its steps together. */
async function residue(fault: Fault, active: ActiveFault, tag: string): Promise<string> {
  const outputs = [];
  for (const { residue: command } of fault.actions(active.plan as never, tag)) {
    const { exitCode, output } = await ground.cluster.hosts.perform(command);
    outputs.push(exitCode === 0 ? output : `exit ${exitCode} ${output}`);
  }
  return outputs.filter((output) => output !== '').join('\n');
}

/** In which words a second one at the same nodes is refused; undefined where it must stack. */
function refusal(name: string, fault: Fault, { plan }: ActiveFault, tag: string): RegExp | undefined {
  // The first has taken all the space that the second would take.
  if (name === 'disk-full') return /has \d+ bytes free already; choose less than that/;
  const exclusive = JSON.stringify(fault.actions(plan as never, tag)).includes('is held by another fault');
  return exclusive ? new RegExp(`is held by another fault, ${tag}; heal that one first`) : undefined;
}

/** Deeds that are over as soon as they are done: there is nothing to read back while they are "in force". */
const momentary = ['restart', 'failover'];

for (const [name, maker] of await allFaults()) {
  if (!drawn('contract', name)) continue;
  describe(`on real nodes, the fault ${name}`, () => {
    it('bites only where something was done, and leaves everything as it was', async () => {
      const { fault } = exampleOf(maker);
      await ground.healthy();
      const before = await ground.snapshot();
      const [view] = ground.observer.latest('topology').values();
      const first = ground.injector();
      const tag = 'g0-0';
      const { plan } = fault.plan(ground.cluster, view ?? [], seededRandom(1));
      const idle = await fault.effect(plan, tag, {
        read: (command) => ground.cluster.hosts.perform(command),
        state: (node) => ground.cluster.hosts.state(node),
        views: () => ground.observer.latest('topology'),
        silentMs: (node) => ground.observer.silentMs(node),
        fromEpochMs: Date.now(),
        sinceEpochMs: Date.now(),
      });
      expect(idle.bites, `bites where nothing was done: ${JSON.stringify(idle)}`).toBe(false);

      const since = ground.recorder.events.length;
      const signal = new AbortController().signal;
      const active = await first.inject(fault, signal);
      const evidence = await effective(since).catch(async (error: unknown) => {
        await active.heal();
        throw new Error(`${messageOf(error)}; at the heal: ${ineffective(since)}`, { cause: error });
      });
      await active.heal();
      expect(evidence.length).toBeGreaterThan(0);
      const healed = ground.recorder.events.length;
      await active.heal();
      expect(ground.recorder.events.slice(healed).filter(({ type }) => type.startsWith('fault-'))).toEqual([]);
      await ground.healthy();
      expect(await ground.changes(before)).toEqual([]);
    });

    if (momentary.includes(name)) return;
    it('shows in its read-back while it is in force, twice over, and each goes alone', async () => {
      const { fault } = exampleOf(maker);
      await ground.healthy();
      const before = await ground.snapshot();
      const signal = new AbortController().signal;
      const injectors = [ground.injector(), ground.injector()];
      const tags = injectors.map((injector) => injector.tagOf(1));
      const actives: ActiveFault[] = [];
      try {
        actives.push(await (injectors[0] as (typeof injectors)[0]).inject(fault, signal));
        expect(await residue(fault, actives[0] as ActiveFault, tags[0] as string)).not.toBe('');
        // The very same victims, whatever has become of their roles.
        const same: Fault = { ...fault, plan: () => ({ plan: actives[0]?.plan as never, nodes: ['node-1'] }) };
        const second = await (injectors[1] as (typeof injectors)[0]).inject(same, signal).catch((error: unknown) => error as Error);
        if (!(second instanceof Error)) actives.push(second);
        const refused = refusal(name, fault, actives[0] as ActiveFault, tags[0] as string);
        expect(second instanceof Error ? messageOf(second) : 'stacks').toMatch(refused ?? /^stacks$/);
        // A refusal does the one in force no harm; of two, the younger stays when the older goes.
        if (!refused) await actives[0]?.heal();
        const left = refused ? 0 : 1;
        expect(await residue(fault, actives[left] as ActiveFault, tags[left] as string)).not.toBe('');
      } finally {
        for (const active of actives.toReversed()) await active.heal();
      }
      await ground.healthy();
      expect(await ground.changes(before)).toEqual([]);
    });
  });
}
