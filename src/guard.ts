import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, SlotquakeError } from './base/errors.ts';
import { within } from './base/poll.ts';
import type { Command, Driver, Hosts } from './driver.ts';
import { dockerDriver } from './driver/docker.ts';

/**
 * The process that undoes everything when the runner is gone. The runner starts it before it creates anything, tells it
 * every undo before the deed, and holds a pipe to it: when that pipe ends without a farewell, whatever the reason, the
 * guard ends what the runner left running, undoes, reads back that nothing is left, and removes what the run created. A
 * cluster that was there before the runner is healed and stays.
 * Every step goes to journal.jsonl. It lives in a session of its own, so a Ctrl-C in the terminal does not reach it.
 */
export type GuardMessage =
  | {
      readonly say: 'register';
      readonly id: number;
      readonly undo: Command;
      readonly residue: Command;
      readonly withinMs?: number;
      readonly last?: boolean;
    }
  | { readonly say: 'undone'; readonly id: number }
  | { readonly say: 'farewell' };
export type GuardReply = { readonly say: 'ready' } | { readonly say: 'noted'; readonly id: number };

/** What one undo may take before the guard goes on without it; the removal that follows takes the rules along. */
const undoWithinMs = 1_500;
/** For how long it tries again, where the cluster stays and the action does not say. */
const healWithinMs = 5_000;

type Pending = Extract<GuardMessage, { say: 'register' }>;

/** What the guard does when the runner is gone: `remove` everything of the run, or `heal` a cluster that stays. */
export type GuardMode = 'remove' | 'heal';

async function main(runId: string, journalFile: string, runnerPid: number, mode: GuardMode): Promise<void> {
  const journal = (entry: object): void => {
    try {
      appendFileSync(journalFile, `${JSON.stringify({ at: new Date().toISOString(), by: 'guard', ...entry })}\n`);
    } catch {
      // The results folder may be gone or full; undoing matters more than saying so.
    }
  };
  const reply = (message: GuardReply): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);
  process.stdout.on('error', () => {});
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

  const driver = await dockerDriver();
  const pending = new Map<number, Pending>();
  reply({ say: 'ready' });
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line) as GuardMessage;
    if (message.say === 'farewell') return;
    journal(message);
    if (message.say === 'register') {
      pending.set(message.id, message);
      reply({ say: 'noted', id: message.id });
    } else pending.delete(message.id);
  }
  const startedAtMs = performance.now();
  journal({ say: 'runner-gone', pending: pending.size });
  try {
    const hosts = await driver.adopt(runId);
    const left = await undoAll(hosts, runnerPid, [...pending.values()].reverse(), mode, journal);
    // What is removed takes everything along; what stays must be seen to be clean.
    if (mode === 'remove') await removeForGood(driver, hosts, runId);
    else if (left.length > 0)
      throw new SlotquakeError(`not seen to be clean: undo ${left.map(({ id }) => id).join(', ')}; \`slotquake heal all\` tries again`);
    journal({ say: 'clean', tookMs: Math.round(performance.now() - startedAtMs) });
  } catch (error) {
    journal({ say: 'failed', because: messageOf(error) });
    process.exitCode = 1;
  }
}

/**
 * First no deed of the dead runner may land any more, then each is undone, whether or not it happened. What is not clean
 * after that is tried again where the cluster stays: some undos must wait, for a ban to end or a block to pass.
 */
async function undoAll(
  hosts: Hosts,
  runnerPid: number,
  pending: readonly Pending[],
  mode: GuardMode,
  journal: (entry: object) => void,
): Promise<Pending[]> {
  if (pending.length === 0) return [];
  await within(
    'ending what runs in the toolboxes',
    undoWithinMs,
    hosts.fence(
      runnerPid,
      pending.flatMap(({ undo, residue }) => [undo, residue]),
    ),
  ).catch((error: unknown) => journal({ say: 'fence-failed', because: messageOf(error) }));
  const startedAtMs = performance.now();
  const withinMs = mode === 'heal' ? Math.max(...pending.map((one) => one.withinMs ?? healWithinMs)) : 0;
  const last = pending.filter((one) => one.last);
  let left = await undoOnce(
    hosts,
    pending.filter((one) => !one.last),
    journal,
  );
  while (left.length > 0 && performance.now() - startedAtMs < withinMs) {
    await delay(1_000);
    left = await undoOnce(hosts, left, journal);
  }
  // The note of what is in force goes when nothing is: as long as it stands, it tells how to take the rest back.
  return left.length > 0 ? left : undoOnce(hosts, last, journal);
}

/** Returns what was not seen to be clean. */
async function undoOnce(hosts: Hosts, pending: readonly Pending[], journal: (entry: object) => void): Promise<Pending[]> {
  const clean = new Set<Pending>();
  for (const [node, undos] of Map.groupBy(pending, ({ undo }) => undo.node)) {
    try {
      for (const { undo, id } of undos) {
        const { exitCode, output } = await within(`undo ${id}`, undoWithinMs, hosts.perform(undo));
        journal({ say: 'undid', id, exitCode, output });
      }
      for (const one of undos) {
        const { exitCode, output } = await within(`residue ${one.id}`, undoWithinMs, hosts.perform(one.residue));
        if (exitCode === 0 && output === '') clean.add(one);
        journal({ say: 'read-back', id: one.id, clean: clean.has(one), residue: output });
      }
    } catch (error) {
      journal({ say: 'undo-failed', node, because: messageOf(error) });
    }
  }
  return pending.filter((one) => !clean.has(one));
}

/** The engine may still carry out a create that the runner asked for just before it died: gone means gone three times in a row. */
async function removeForGood(driver: Driver, hosts: Hosts, runId: string): Promise<void> {
  let clean = 0;
  while (clean < 3) {
    await hosts.remove();
    await delay(200);
    clean = (await driver.leftovers()).some((leftover) => leftover.runId === runId) ? 0 : clean + 1;
  }
}

if (import.meta.main) {
  const [runId = '', journalFile = '', runnerPid = '', mode = 'remove'] = process.argv.slice(2);
  await main(runId, journalFile, Number(runnerPid), mode as GuardMode);
}
