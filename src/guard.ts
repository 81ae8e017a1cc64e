import { messageOf, SlotquakeError } from './base/errors.ts';
import { poll, sleepMs, within } from './base/poll.ts';
import { together } from './base/together.ts';
import type { Command, Driver, Hosts } from './driver.ts';
import { healWithinMs, type Look, takeBack } from './undo.ts';

/**
 * What undoes everything when the runner is gone. The runner starts it before it creates anything, tells it every undo
 * before the deed, and holds a pipe to it: when that pipe ends without a farewell, whatever the reason, the guard ends what
 * the runner left running, undoes, reads back that nothing is left, and removes what the run created. A cluster that was
 * there before the runner is healed and stays. It is a process of its own: guard/process.ts.
 */
export type GuardMessage =
  | {
      readonly say: 'register';
      readonly id: number;
      readonly undo: Command;
      readonly residue: Command;
      readonly withinMs?: number | undefined;
      readonly last?: true | undefined;
    }
  | { readonly say: 'undone'; readonly id: number }
  | { readonly say: 'farewell' };
export type GuardReply = { readonly say: 'ready' } | { readonly say: 'noted'; readonly id: number };

/** What one undo may take before the guard goes on without it; the removal that follows takes the rules along. */
const undoWithinMs = 1_500;
/** A cluster that stays has time: a deed that lands after its undo would stay with it. */
const fenceWithinMs = 15_000;
/** How long the container engine may be away. */
const engineWithinMs = 300_000;
/** How long after a removal it is looked again. */
const lookAgainMs = 200;
type Pending = Extract<GuardMessage, { say: 'register' }>;

/** What the guard does when the runner is gone: `remove` everything of the run, or `heal` a cluster that stays. */
export type GuardMode = 'remove' | 'heal';

export interface Watch {
  readonly driver: Pick<Driver, 'adopt' | 'leftovers'>;
  readonly runId: string;
  readonly runnerPid: number;
  readonly mode: GuardMode;
  /** What the runner says: a GuardMessage in each line. */
  readonly lines: AsyncIterable<string>;
  reply(message: GuardReply): void;
  journal(entry: object): void;
}

/** Ends when the runner has said farewell, or is gone and everything is undone; false where that could not be done. */
export async function guard({ driver, runId, runnerPid, mode, lines, reply, journal }: Watch): Promise<boolean> {
  const pending = new Map<number, Pending>();
  reply({ say: 'ready' });
  for await (const line of lines) {
    const message = whole(line);
    // Half a message is the runner's last: it was never noted, so what it tells of was not done.
    if (!message) break;
    if (message.say === 'farewell') return true;
    journal(message);
    if (message.say === 'register') {
      pending.set(message.id, message);
      reply({ say: 'noted', id: message.id });
    } else pending.delete(message.id);
  }
  const startedAtMs = performance.now();
  journal({ say: 'runner-gone', pending: pending.size });
  try {
    // It may have been the end of the container engine that ended the runner; what is left is there when that returns.
    const hosts = await poll('the container engine', () => driver.adopt(runId), { withinMs: engineWithinMs, everyMs: 500 });
    const left = await undoAll(hosts, runnerPid, [...pending.values()].reverse(), mode, journal);
    // What is removed takes everything along; what stays must be seen to be clean.
    if (mode === 'remove') await removeForGood(driver, hosts, runId);
    else if (left.length > 0)
      throw new SlotquakeError(`not seen to be clean: undo ${left.map(({ id }) => id).join(', ')}; \`slotquake heal all\` tries again`);
    journal({ say: 'clean', tookMs: Math.round(performance.now() - startedAtMs) });
    return true;
  } catch (error) {
    journal({ say: 'failed', because: messageOf(error) });
    return false;
  }
}

function whole(line: string): GuardMessage | undefined {
  try {
    return JSON.parse(line) as GuardMessage;
  } catch {
    return undefined;
  }
}

/**
 * First no deed of the dead runner may land any more, then each is undone, whether or not it happened; where the cluster
 * stays, until it is clean: some undos must wait, for a ban to end or a block to pass.
 */
async function undoAll(
  hosts: Hosts,
  runnerPid: number,
  pending: readonly Pending[],
  mode: GuardMode,
  journal: Watch['journal'],
): Promise<Pending[]> {
  if (pending.length === 0) return [];
  const startedAtMs = performance.now();
  await within(
    'ending what runs in the toolboxes',
    mode === 'heal' ? fenceWithinMs : undoWithinMs,
    hosts.fence(
      runnerPid,
      pending.flatMap(({ undo, residue }) => [undo, residue]),
    ),
  ).then(
    () => journal({ say: 'fenced', tookMs: Math.round(performance.now() - startedAtMs) }),
    (error: unknown) => journal({ say: 'fence-failed', because: messageOf(error) }),
  );
  const others = pending.filter((one) => !one.last);
  const left = await undoThese(hosts, others, mode, journal);
  // The note of what is in force goes when nothing is: as long as it stands, it tells how to take the rest back.
  return left.length > 0
    ? left
    : undoThese(
        hosts,
        pending.filter((one) => one.last),
        mode,
        journal,
      );
}

/**
 * Node beside node, each in its order; where a step is not seen to be clean, the older ones of that node are left alone,
 * for they may rest on it. Returns what is left.
 */
async function undoThese(hosts: Hosts, pending: readonly Pending[], mode: GuardMode, journal: Watch['journal']): Promise<Pending[]> {
  const left = await together(
    Map.groupBy(pending, ({ undo }) => undo.node),
    async ([node, steps]) => {
      for (const [index, one] of steps.entries()) {
        const onLook = ({ undo, residue, clean }: Look): void => {
          journal({ say: 'undid', id: one.id, ...undo });
          journal({ say: 'read-back', id: one.id, clean, residue: residue.output });
        };
        try {
          // What will be removed takes its residue along: one try, and no time lost on it.
          await (mode === 'heal'
            ? takeBack(hosts, one, { withinMs: one.withinMs ?? healWithinMs, onLook })
            : within(`undo ${one.id}`, undoWithinMs, takeBack(hosts, one, { withinMs: 0, onLook })));
        } catch (error) {
          journal({ say: 'undo-failed', node, id: one.id, because: messageOf(error) });
          if (mode === 'heal') return steps.slice(index);
        }
      }
      return [];
    },
  );
  return left.flat();
}

/** The engine may still carry out a create that the runner asked for just before it died: gone means gone three times in a row. */
async function removeForGood(driver: Watch['driver'], hosts: Hosts, runId: string): Promise<void> {
  let clean = 0;
  while (clean < 3) {
    await hosts.remove();
    await sleepMs(lookAgainMs);
    clean = (await driver.leftovers()).some((leftover) => leftover.runId === runId) ? 0 : clean + 1;
  }
}
