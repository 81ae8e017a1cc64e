import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { dockerDriver } from '../driver/docker.ts';
import { guard, type GuardMode } from '../guard.ts';

/*
 * The guard as a process, which outlives the runner: it hears the runner on its standard input and writes every step to the
 * journal. It lives in a session of its own, so a Ctrl-C in the terminal does not reach it.
 */

const [runId = '', journalFile = '', runnerPid = '', mode = 'remove'] = process.argv.slice(2);
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const done = await guard({
  driver: await dockerDriver(),
  runId,
  runnerPid: Number(runnerPid),
  mode: mode as GuardMode,
  lines: createInterface({ input: process.stdin }),
  reply: (message) => process.stdout.write(`${JSON.stringify(message)}\n`),
  journal: (entry) => {
    try {
      appendFileSync(journalFile, `${JSON.stringify({ at: new Date().toISOString(), by: 'guard', ...entry })}\n`);
    } catch {
      // The results folder may be gone or full; undoing matters more than saying so.
    }
  },
});
// The shells that it opened in a cluster that stays would keep it alive; they end with it.
process.exit(done ? 0 : 1);
