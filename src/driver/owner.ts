import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process of this machine as no other can be: machine, process id and the time it started. */
export const nameOf = (pid: number): string => `${hostname()}/${pid}/${startOf(pid)}`;
export const ownName = (): string => nameOf(process.pid);

/** Whether the process of that name still lives on this machine; one on another machine is taken for gone. */
export function isAlive(name: string): { readonly alive: boolean; readonly pid: number } {
  const [machine, pid, start] = name.split('/');
  const lives = machine === hostname() && startOf(Number(pid)) !== '' && startOf(Number(pid)) === start;
  return { alive: lives, pid: Number(pid) };
}

/** When a process started; empty when it does not live. Where there is no /proc, that it lives must do. */
function startOf(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch {
    return '';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')')).split(' ')[20] ?? 'alive';
  } catch {
    return 'alive';
  }
}
