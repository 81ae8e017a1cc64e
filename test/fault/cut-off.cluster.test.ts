import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { Command } from '../../src/driver.ts';
import type { Action } from '../../src/fault.ts';
import { allFaults } from '../../src/faults.ts';
import { takeBack } from '../../src/undo.ts';
import { drawn } from '../draw/drawn.ts';
import { exampleOf } from './contract.ts';
import { carriedOutIn, cutOff, leavesHalves, most, type ScriptCommand, scriptsIn, writesFiles } from './cut-off.ts';
import { ground, keepGround } from './ground.ts';
import { planned } from './planned.ts';

/*
 * Who ends a harness that is gone ends the scripts that it left running, wherever they are. A kill at a random moment
 * meets the two milliseconds between two commands once in hundreds of times; here each script ends after its first
 * command, after its second and so on, in the very way in which a guard ends it: its whole process group, by SIGKILL.
 */

keepGround();

/** Carries it out so far; says how many commands that were where it came to its end before. */
async function cutsOff(command: Command, script: ScriptCommand, after: number): Promise<number | 'cut off'> {
  const { output } = await ground.cluster.hosts.perform(cutOff(command, script, after));
  return output.includes('ended before it answered') ? 'cut off' : carriedOutIn(output);
}

/** As a guard does: the last step first. */
const allBack = async (steps: readonly Action[]): Promise<void> => {
  for (const step of steps.toReversed()) await takeBack(ground.cluster.hosts, step);
};

for (const [name, maker] of await allFaults()) {
  if (!drawn('cut-off', name)) continue;
  // On paper its scripts are the same, but for names and addresses.
  if (!leavesHalves(exampleOf(maker).fault.actions(planned(exampleOf(maker).fault) as never, 'g9-9'))) continue;
  describe(`the fault ${name}`, { timeout: 600_000 }, () => {
    it('leaves nothing wherever one of its scripts is cut off', async () => {
      await ground.healthy();
      const before = await ground.snapshot();
      const [view] = ground.observer.latest('topology').values();
      const { fault } = exampleOf(maker);
      const { plan } = fault.plan(ground.cluster, view ?? [], seededRandom(1));
      const actions = fault.actions(plan, 'g9-9');
      const tried = new Set<string>();
      let longest = 0;
      for (const [index, action] of actions.entries()) {
        for (const way of ['do', 'undo'] as const) {
          for (const script of scriptsIn(action[way])) {
            // The same script at another node, or for another address, is the same.
            const likeness = script.script.replaceAll(/[0-9a-f]{40}|\d+/g, '#');
            if (tried.has(likeness)) continue;
            tried.add(likeness);
            const steps = actions.slice(0, index + 1);
            const prepare = async (): Promise<void> => {
              for (const step of way === 'do' ? steps.slice(0, -1) : steps) await ground.must(step.do);
            };
            for (let after = writesFiles(script) ? 0 : 1; after < most[script.run]; after++) {
              await prepare();
              const end = await cutsOff(action[way], script, after);
              await allBack(steps);
              const where = `the ${way} of step ${index}, cut off after ${after} commands`;
              expect(await ground.changes(before, [script.node]), where).toEqual([]);
              // Cut off, it had one more.
              longest = Math.max(longest, end === 'cut off' ? after + 1 : end);
              if (end !== 'cut off') break;
            }
          }
        }
      }
      await ground.healthy();
      expect(await ground.changes(before)).toEqual([]);
      // One of which no command is counted is never cut off, and proves nothing.
      expect(longest).toBeGreaterThan(0);
    });
  });
}
