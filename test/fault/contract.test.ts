import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { placesOf } from '../../src/driver/fence.ts';
import type { Fault } from '../../src/fault.ts';
import { allFaults } from '../../src/faults.ts';
import { parametersOf } from '../../src/parameter.ts';
import { inOneContainer } from '../../src/undo.ts';
import { healthyState, paperInjector } from '../paper.ts';
import { exampleOf } from './contract.ts';
import { paperCluster, scriptOf, untouched } from './planned.ts';

const plan = (fault: Fault, seed: number) => {
  const cluster = paperCluster();
  return fault.plan(cluster, cluster.topology, seededRandom(seed));
};
const reserved = ['target', 'for', 'run', 'seed', 'results', 'help'];

for (const [name, maker] of await allFaults()) {
  describe(`the fault ${name}`, () => {
    const { fault } = exampleOf(maker);
    const { plan: planned, nodes } = plan(fault, 1);
    const actions = fault.actions(planned, 'tag-a');

    it('describes itself, and its parameters in words that the command line has free', () => {
      const { about, mechanism, evidence, undo } = maker.kind;
      for (const text of [about, mechanism, evidence, undo]) expect(text.length).toBeGreaterThan(15);
      for (const info of parametersOf(maker.kind.parameters)) {
        expect(info.about.length, info.name).toBeGreaterThan(3);
        expect(reserved).not.toContain(info.name);
        // What may be left out and shows no default says what happens then.
        const silent = info.fallback === undefined && !info.required;
        expect(info.about, info.name).toMatch(silent ? /by default|left out/ : /./);
      }
    });

    it('plans as JSON, and the same for the same seed', () => {
      expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
      expect(plan(fault, 1)).toEqual({ plan: planned, nodes });
      expect(nodes.length).toBeGreaterThan(0);
      // The plan is all that another process needs.
      expect(fault.actions(JSON.parse(JSON.stringify(planned)) as never, 'tag-a')).toEqual(actions);
    });

    it('acts through commands that are JSON, each with its way back and its read-back', () => {
      expect(actions.length).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(actions))).toEqual(actions);
      for (const { do: deed, undo, residue } of actions) expect([undo.node, residue.node]).toEqual([deed.node, deed.node]);
    });

    it('runs no script where its way back runs none, so that the guard knows whose shells to end first', () => {
      for (const { do: deed, undo, residue } of actions)
        expect(placesOf([undo, residue])).toEqual(expect.arrayContaining(placesOf([deed])));
    });

    it('keeps two instances apart by their tags', () => {
      const other = fault.actions(planned, 'tag-b');
      for (const [index, action] of actions.entries()) {
        expect(JSON.stringify(other[index]).replaceAll('tag-b', 'tag-a')).toBe(JSON.stringify(action));
      }
      // What takes nothing back has nothing to tell apart.
      const momentary = actions.every(({ undo }) => scriptOf(undo) === 'true');
      for (const way of ['do', 'undo', 'residue'] as const)
        expect(JSON.stringify(actions.map((action) => action[way])).includes('tag-a'), way).toBe(!momentary);
    });

    it('has not bitten where nothing was done', async () => {
      const { hosts } = paperInjector({ answer: untouched });
      const evidence = await fault.effect(planned, 'tag-a', {
        read: (command) => hosts.perform(command),
        state: () => Promise.resolve(healthyState),
        views: () => new Map([['node-2', paperCluster().topology]]),
        silentMs: () => 0,
        fromEpochMs: Date.now(),
        sinceEpochMs: Date.now(),
      });
      expect(evidence).toEqual({ bites: false, because: expect.stringMatching(/.{15}/) });
    });

    it('registers each undo before its deed, and takes back all of it, once', async () => {
      const { injector, hosts, guard, recorder } = paperInjector();
      const active = await injector.inject(fault, new AbortController().signal);
      const deeds = fault.actions(active.plan as never, 'paper-1');
      for (const { do: deed, undo } of deeds) {
        const at = guard.registered.findIndex((action) => JSON.stringify(action.undo) === JSON.stringify(undo));
        const doneAt = hosts.performed.findIndex((command) => JSON.stringify(command) === JSON.stringify(deed));
        expect(at).toBeGreaterThanOrEqual(0);
        expect(guard.doneBefore[at]).toBeLessThanOrEqual(doneAt);
      }
      await active.heal();
      const count = hosts.performed.length;
      await active.heal();
      await injector.healAll();
      expect(hosts.performed).toHaveLength(count);
      expect(guard.takenBack.toSorted((a, b) => a - b)).toEqual(deeds.map((_, index) => index));
      expect(recorder.events.map(({ type }) => type)).toContain('fault-ineffective');
    });

    it('is taken back wherever the injection breaks off', async () => {
      for (const [broken, { do: deed }] of actions.entries()) {
        const { injector, hosts, guard } = paperInjector({
          answer: (command) =>
            JSON.stringify(command) === JSON.stringify(fault.actions(planned, 'paper-1')[broken]?.do)
              ? { exitCode: 1, output: 'no' }
              : undefined,
        });
        // The same seed as above, so that the same deed breaks.
        const failing = { ...fault, plan: () => ({ plan: planned, nodes }) };
        const failed = await injector.inject(failing, new AbortController().signal).then(
          () => null,
          (error: unknown) => String(error),
        );
        expect(failed, JSON.stringify(deed)).toContain(`could not be injected at ${deed.node} (exit 1): no`);
        expect(guard.registered).toContainEqual(fault.actions(planned, 'paper-1')[broken]);
        const undos = guard.registered.map(({ undo, residue }) => JSON.stringify(inOneContainer(undo, residue) ?? undo));
        for (const undo of undos) expect(hosts.performed.map((command) => JSON.stringify(command))).toContain(undo);
        expect(guard.takenBack).toHaveLength(guard.registered.length);
      }
    });
  });
}
