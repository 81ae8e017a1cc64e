import { together } from '../base/together.ts';
import type { Cluster } from '../cluster.ts';
import type { HistoryWriter } from '../timeline/history.ts';
import type { Request } from '../workload.ts';
import { outcomeOf } from '../workload/outcome.ts';
import { Connection, Unanswered } from './connection.ts';
import type { Key } from './keys.ts';
import { type Reply, ReplyError } from '../resp.ts';

interface Wanted {
  readonly key: string;
  readonly slot: number;
  readonly request: Request;
}

/** How many keys are asked for in one go: some hundred kilobytes of answers at most, unless the values are large. */
const batch = 200;
const timeoutMs = 10_000;

/**
 * Reads every key at rest from every node, replicas included, past all routing: a node that does not serve a key says
 * MOVED, and that is recorded too. Where a slot was left open, ASK is followed: the key may be on the other side. Returns
 * how many keys no node could give.
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
  const asks: { readonly address: string; readonly wanted: Wanted }[] = [];
  const record = (
    node: string,
    replica: boolean,
    sentAtMs: number,
    { key, slot, request }: Wanted,
    reply: Reply | Unanswered | undefined,
  ): void => {
    const failed = reply instanceof ReplyError || reply instanceof Unanswered;
    const answer = failed ? {} : (request.answer?.([reply as Reply]) ?? {});
    if (!failed) readable.add(key);
    history.add({
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
    });
  };
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
      part.forEach((wanted, index) => {
        const reply = answers instanceof Unanswered ? answers : replies[index];
        const address = reply instanceof ReplyError ? /^ASK \d+ (\S+)/.exec(reply.message)?.[1] : undefined;
        if (address !== undefined && !replica) asks.push({ address, wanted });
        record(node, replica, sentAtMs, wanted, reply);
      });
    }
  });
  await together(
    cluster.nodes.filter(({ address }) => asks.some((ask) => ask.address === address)),
    async ({ name: node, address, dial }) => {
      using connection = new Connection(dial, { name: 'slotquake-read-back', timeoutMs });
      await connection.settled();
      for (const { wanted } of asks.filter((ask) => ask.address === address)) {
        const sentAtMs = nowMs();
        const command = wanted.request.commands[0] as readonly string[];
        const answers = await connection.request([['ASKING'], command]).catch((error: Unanswered) => error);
        record(node, false, sentAtMs, wanted, answers instanceof Unanswered ? answers : answers[1]);
        if (answers instanceof Unanswered) break;
      }
    },
  );
  history.flush();
  return { keys: requests.length, unreadable: requests.filter(({ key }) => !readable.has(key)).length };
}
