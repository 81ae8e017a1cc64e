import { engine } from './driver.ts';
import type { Action } from './fault.ts';
import { whileAlive } from './revival.ts';

/** Prints the process ids of what a fault has started; a name in the command line is all that tells them. */
export const processesOf = (name: string): string =>
  `for process in /proc/[0-9]*; do case "$(tr '\\0' ' ' <$process/cmdline)" in *"${name} ") echo "\${process#/proc/}" ;; esac; done 2>/dev/null`;

/** Ends them, each with its process group where it leads one. */
export const endProcessesOf = (name: string): string =>
  `for pid in $(${processesOf(name)}); do kill -9 -$pid 2>/dev/null || kill -9 $pid 2>/dev/null; done; true`;

/** Processes in the engine's container, as its user, in a session of their own: they end with the container or by the undo. */
export function background(node: string, name: string, script: string, { count = 1 } = {}): Action {
  return {
    do: engine(node, `n=0; while [ $n -lt ${count} ]; do setsid sh -c '${script}' ${name} </dev/null >/dev/null 2>&1 & n=$((n + 1)); done`),
    undo: whileAlive(engine(node, endProcessesOf(name))),
    residue: whileAlive(engine(node, `for pid in $(${processesOf(name)}); do echo "${name} lives as $pid"; done`)),
  };
}

/** Prints for how many clock ticks (10 ms each) they have run together, twice, 200 ms apart. */
export const ticksOf = (node: string, name: string) =>
  engine(
    node,
    `ticks() { for pid in $(${processesOf(name)}); do cat /proc/$pid/stat 2>/dev/null; done | sed 's/.*) //' | awk '{ sum += $12 + $13 } END { print sum + 0 }'; }; ticks; sleep 0.2; ticks`,
  );
