import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { Command } from '../../src/driver.ts';
import type { Action } from '../../src/fault.ts';
import { allFaults } from '../../src/faults.ts';
import { takeBack } from '../../src/undo.ts';
import { drawn } from '../draw/drawn.ts';
import { exampleOf } from './contract.ts';
import { ground, keepGround } from './ground.ts';

/*
 * Who ends a harness that is gone ends the scripts that it left running, wherever they are. A kill at a random moment
 * meets the two milliseconds between two commands once in hundreds of times; here each script ends after its first
 * command, after its second and so on, in the very way in which a guard ends it: its whole process group, by SIGKILL.
 */

keepGround();

/** Commands that change something; the engine's client is counted too, by the name it has there. */
const changing = 'cp dd fallocate ip iptables iptables-restore kill ln mkdir mv python3 rm rmdir setsid tc truncate'.split(' ');
/** What the shell writes into files: a file is there, and empty, before the command that fills it. */
const writing = ['cat', 'date', 'echo', 'printf', ':'];
/** How far a script came. Every container has such a folder; each kind of script has a user of its own, and so a file. */
const counterOf = ({ run }: ScriptCommand): string => `/dev/shm/commands-${run}`;
/** Scripts in an engine go through keys, slots or answers, one like the other. */
const most = { toolbox: 24, files: 24, engine: 9 };

type ScriptCommand = Extract<Command, { run: keyof typeof most }>;

/** The scripts that a command consists of. Conditions only look, and what has a container of its own is one command. */
function scriptsIn(command: Command): ScriptCommand[] {
  if ('commands' in command) return command.commands.flatMap(scriptsIn);
  if (command.run === 'if') return scriptsIn(command.deed);
  return command.run in most ? [command as ScriptCommand] : [];
}

const writesFiles = ({ script }: ScriptCommand): boolean => /(^|[^0-9&<])>+ *["$/]/m.test(script.replaceAll(/>+ *\/dev\/null/g, ''));

/** The command with this script in it as it runs until it has carried out so many of its commands. */
function cutOff(command: Command, script: ScriptCommand, after: number): Command {
  if ('commands' in command) return { ...command, commands: command.commands.map((one) => cutOff(one, script, after)) };
  if (command.run === 'if') return { ...command, deed: cutOff(command.deed, script, after) };
  if (command !== script) return command;
  const counter = counterOf(script);
  return {
    ...script,
    // Subshells share a file, not a variable. Aliases also reach the functions of the script, and names with a hyphen.
    script: `rm -f ${counter} || exit 1
next() {
  so_far=0
  [ ! -e ${counter} ] || read -r so_far <${counter}
  [ "$so_far" -lt ${after} ] || command kill -9 -$$
  command echo $((so_far + 1)) >${counter}
}
step() { next; "$@"; }
${[...changing, ...(writesFiles(script) ? writing : [])].map((name) => `alias ${name}='step ${name}'`).join('\n')}
[ -z "$CLI" ] || CLI="step $CLI"
${script.script}`,
  };
}

/** Carries it out so far; false when it came to its end before. */
async function cutsOff(command: Command, script: ScriptCommand, after: number): Promise<boolean> {
  const { output } = await ground.cluster.hosts.perform(cutOff(command, script, after));
  return output.includes('ended before it answered');
}

/** As a guard does: the last step first. */
const allBack = async (steps: readonly Action[]): Promise<void> => {
  for (const step of steps.toReversed()) await takeBack(ground.cluster.hosts, step);
};

/** Faults that do and undo by one command at a time, or by the container engine: there is nothing between two. */
const indivisible = 'clock-skew connection-flood cpu-throttle crash-loop disk-full disk-read-only failover freeze kill pause restart'.split(
  ' ',
);

/** Where the scripts of each fault were cut off. */
const cutsOf = new Map<string, readonly string[]>();

for (const [name, maker] of await allFaults()) {
  if (!drawn('cut-off', name)) continue;
  if (indivisible.includes(name)) continue;
  describe(`the fault ${name}`, { timeout: 300_000 }, () => {
    it('leaves nothing wherever one of its scripts is cut off', async () => {
      await ground.healthy();
      const before = await ground.snapshot();
      const [view] = ground.observer.latest('topology').values();
      const { fault } = exampleOf(maker);
      const { plan } = fault.plan(ground.cluster, view ?? [], seededRandom(1));
      const actions = fault.actions(plan, 'g9-9');
      const tried = new Set<string>();
      const cuts: string[] = [];
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
              const cut = await cutsOff(action[way], script, after);
              await allBack(steps);
              const where = `the ${way} of step ${index}, cut off after ${after} commands`;
              expect(await ground.changes(before, [script.node]), where).toEqual([]);
              if (!cut) break;
              cuts.push(where);
            }
          }
        }
      }
      await ground.healthy();
      expect(await ground.changes(before)).toEqual([]);
      cutsOf.set(name, cuts);
    });
  });
}

describe('the scripts of those faults', () => {
  // How many commands one has may depend on how far things had come; a script that is never cut off proves nothing.
  it('were cut off, of nearly all of them', () => {
    expect([...cutsOf].filter(([, cuts]) => cuts.length === 0).length).toBeLessThanOrEqual(cutsOf.size / 10);
    expect(cutsOf.size).toBeGreaterThan(0);
  });
});
