import { nodeNamed } from './cluster.ts';
import { ipOf } from './driver.ts';
import type { Stage } from './experiment.ts';

/** Both ends of a slot's way, by the names of their nodes. */
export interface Way {
  readonly from: string;
  readonly to: string;
}

const idOf = ({ cluster }: Stage, name: string): string => nodeNamed(cluster, name).id;

/** Opens a slot at both ends, the new one first, or it would send clients back. */
export async function openSlot(stage: Stage, slot: number, { from, to }: Way): Promise<void> {
  await stage.ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', idOf(stage, from));
  await stage.ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', idOf(stage, to));
}

/** MIGRATE of these keys, replacing what the other side has of them; the engine waits so long at each step. */
export function carryKeys(stage: Stage, keys: readonly string[], { from, to }: Way, timeoutMs = 2_000): Promise<string> {
  return stage.ask(from, 'MIGRATE', ipOf(nodeNamed(stage.cluster, to)), 6379, '', 0, timeoutMs, 'REPLACE', 'KEYS', ...keys);
}

/** The end of a move: every key that is left goes, then the slot itself, at the new owner first. */
export async function finishSlot(stage: Stage, slot: number, way: Way): Promise<void> {
  for (;;) {
    const keys = JSON.parse(await stage.ask(way.from, 'CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
    if (keys.length === 0) break;
    const answer = await carryKeys(stage, keys, way);
    if (answer !== 'OK' && answer !== 'NOKEY') throw new Error(`the keys of slot ${slot} do not go: ${answer}`);
  }
  for (const node of [way.to, way.from]) await stage.ask(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', idOf(stage, way.to));
}
