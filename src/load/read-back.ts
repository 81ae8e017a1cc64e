import { together } from '../base/together.ts';
import type { Cluster } from '../cluster.ts';
import type { HistoryWriter, Operation } from '../timeline/history.ts';
import type { Request } from '../workload.ts';
import { outcomeOf } from '../workload/outcome.ts';
import { Connection, Unanswered } from './connection.ts';
import type { Key } from './keys.ts';
import { type Reply, ReplyError } from '../resp.ts';

/** How many keys are asked for in one go: some hundred kilobytes of answers at most, unless the values are large. */
const batch = 200;
const timeoutMs = 10_000;

/**
 * Reads every key at rest from every node, replicas included, past all routing: a node that does not serve a key says
 * MOVED, and that is recorded too. Returns how many keys no node could give.
 */
export async function readBack(
  cluster: Cluster,
  keys: readonly Key[],
  final: (key: string) => readonly Request[],
  firstId: number,
  history: Pick<HistoryWriter, 'add' | 'flush'>,
  nowMs: () => number,
): Promise<{ readonly keys: number; readonly unreadable: number }> {
  const requests = keys.flatMap(({ name, slot }) => final(name).map((request) => ({ key: request.key ?? name, slot, request })));
  const readable = new Set<string>();
  let id = firstId;
  await together(cluster.nodes, async ({ name: node, dial }) => {
    using connection = new Connection(dial, { name: 'slotquake-read-back', timeoutMs, greeting: [['READONLY']] });
    await connection.settled();
    let silence: Unanswered | undefined;
    for (let from = 0; from < requests.length; from += batch) {
      const part = requests.slice(from, from + batch);
      const sentAtMs = nowMs();
      // Its role is asked in the same breath: a cluster that did not settle may still change it.
      const commands = [['ROLE'], ...part.map(({ request }) => request.commands[0] as readonly string[])];
      // Who did not answer once is not waited for again.
      const answers = silence ?? (await connection.request(commands).catch((error: Unanswered) => (silence = error)));
      const [role, ...replies] = answers instanceof Unanswered ? [] : answers;
      // What a node says that tells no role is not held for a primary's word.
      const replica = role !== undefined && !(Array.isArray(role) && role[0] === 'master');
      part.forEach(({ key, slot, request }, index) => {
        const reply: Reply | Unanswered | undefined = answers instanceof Unanswered ? answers : replies[index];
        const failed = reply instanceof ReplyError || reply instanceof Unanswered;
        const answer = failed ? {} : (request.answer?.([reply as Reply]) ?? {});
        if (!failed) readable.add(key);
        const operation: Operation = {
          id: id++,
          client: 0xffff,
          verb: request.verb,
          key,
          slot,
          node,
          dueAtMs: sentAtMs,
          sentAtMs,
          doneAtMs: nowMs(),
          outcome: 'ok',
          reason: null,
          value: answer.value ?? -1,
          values: answer.values ?? [],
          final: true,
          replica,
          ...(failed ? outcomeOf(reply) : {}),
        };
        history.add(operation);
      });
    }
  });
  history.flush();
  return { keys: requests.length, unreadable: requests.filter(({ key }) => !readable.has(key)).length };
}
