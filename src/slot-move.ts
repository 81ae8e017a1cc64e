import { InconclusiveError } from './base/errors.ts';
import { nodeNamed } from './cluster.ts';
import { engine, ipOf } from './driver.ts';
import type { Stage } from './experiment.ts';

/** Both ends of a slot's way, by the names of their nodes. */
export interface Way {
  readonly from: string;
  readonly to: string;
}

const idOf = ({ cluster }: Stage, name: string): string => nodeNamed(cluster, name).id;

/** Opens a slot at both ends, the new one first, or it would send clients back. */
export async function openSlot(stage: Stage, slot: number, { from, to }: Way): Promise<void> {
  await stage.tell(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', idOf(stage, from));
  await stage.tell(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', idOf(stage, to));
}

/** MIGRATE of these keys, replacing what the other side has of them; the engine waits so long at each step. */
export function carryKeys(stage: Stage, keys: readonly string[], { from, to }: Way, timeoutMs = 2_000): Promise<string> {
  return stage.ask(from, 'MIGRATE', ipOf(nodeNamed(stage.cluster, to)), 6379, '', 0, timeoutMs, 'REPLACE', 'KEYS', ...keys);
}

/** Waits until a node has this many keys of a slot; where it has fewer after 5 s the run is inconclusive. */
export async function keysArrived(stage: Stage, node: string, slot: number, keys: number): Promise<void> {
  let count = 0;
  for (let look = 0; look < 25; look++) {
    count = Number(await stage.tell(node, 'CLUSTER', 'COUNTKEYSINSLOT', slot));
    if (count >= keys) return;
    await stage.sleep('200ms');
  }
  throw new InconclusiveError(`${node} has ${count} keys of slot ${slot} instead of ${keys}`);
}

/** The end of a move: every key that is left goes, then the slot itself, at the new owner first. */
export async function finishSlot(stage: Stage, slot: number, way: Way): Promise<void> {
  for (;;) {
    const keys = JSON.parse(await stage.ask(way.from, 'CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
    if (keys.length === 0) break;
    const answer = await carryKeys(stage, keys, way);
    if (answer !== 'OK' && answer !== 'NOKEY') throw new InconclusiveError(`the keys of slot ${slot} do not go: ${answer}`);
  }
  for (const node of [way.to, way.from]) await stage.tell(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', idOf(stage, way.to));
}

/**
 * The engine's own `--cluster reshard` of the first slots of one end, as an operator runs it, again and again until the
 * rounds or the seconds are over; a round that has begun is finished. The run is inconclusive where that takes longer than half
 * a minute, and where nothing was moved, unless that is the symptom (`mayFail`).
 */
export async function reshard(
  { cluster, perform, sleep }: Stage,
  { from, to }: Way,
  {
    slots,
    flags = '',
    rounds = 1,
    seconds = 30,
    mayFail = false,
  }: { slots: number; flags?: string; rounds?: number; seconds?: number; mayFail?: boolean },
): Promise<void> {
  const [source, target] = [nodeNamed(cluster, from), nodeNamed(cluster, to)];
  const once = `$CLI --cluster reshard ${source.address} --cluster-from ${source.id} --cluster-to ${target.id} --cluster-slots ${slots} ${flags} --cluster-yes`;
  // Resharding is refused until everybody has heard of the round before.
  const script = `until=$(($(date +%s) + ${seconds}))
over() { [ $(date +%s) -ge $until ]; }
agree() { $CLI --cluster check ${source.address} | grep -q "All nodes agree"; }
for round in $(seq ${rounds}); do
  until over || agree; do sleep 0.2; done
  over && break
  ${once} || break
  moved=yes
done
echo "ended; moved: $moved"`;
  await perform(engine(from, `setsid sh -c '${script}' </dev/null >/tmp/reshard 2>&1 &`));
  for (let look = 0; look < 60; look++) {
    const { output } = await perform(engine(from, 'tail -n 2 /tmp/reshard | tail -c 200'));
    if (output.includes('ended; moved: yes')) return;
    if (mayFail && output.includes('ended; moved:')) return;
    if (output.includes('ended; moved:')) throw new InconclusiveError(`${from} moved no slot: ${output}`);
    await sleep('500ms');
  }
  throw new InconclusiveError(`the reshard at ${from} had not ended after 30 s`);
}

/**
 * The engine's own `--cluster fix`, for 7 s at most. It must be given an address that every node has of this one: what it tells
 * another node to MIGRATE to 127.0.0.1 goes to that node itself, which waits for its own answer (cluster.c migrateCommand).
 */
export async function fixSlots(
  { cluster, perform }: Stage,
  node: string,
  { address = nodeNamed(cluster, node).address, flags = '' }: { address?: string; flags?: string } = {},
): Promise<void> {
  await perform(engine(node, `timeout 7 $CLI --cluster fix ${address} ${flags} </dev/null 2>&1`));
}
