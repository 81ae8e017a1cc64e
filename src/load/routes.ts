import type { Cluster, Node } from '../cluster.ts';
import { namesOf } from '../driver.ts';
import { parseClusterNodes } from '../cluster/topology.ts';

const slotCount = 16_384;
/** How often a node may be asked for the topology at most. */
const refreshEveryMs = 100;

/**
 * Where clients of one place believe each slot is served. They begin with the layout of the cluster, believe a MOVED at
 * once, and after any other trouble ask some node they can reach; an older config epoch never wins over a newer one.
 */
export class Routes {
  readonly #nodes: readonly Node[];
  readonly #owner: Uint8Array = new Uint8Array(slotCount);
  readonly #epoch: Float64Array = new Float64Array(slotCount).fill(-1);
  /** Names of the replicas of each node, by its place in the cluster. */
  #replicas: readonly (readonly number[])[];
  #refreshedAtMs = 0;
  #refreshing = false;

  constructor(cluster: Cluster) {
    this.#nodes = cluster.nodes;
    this.#nodes.forEach((node, index) => {
      for (const [first, last] of node.slots) this.#owner.fill(index, first, last + 1);
    });
    this.#replicas = this.#nodes.map(({ name }) => this.#nodes.flatMap(({ primary }, index) => (primary === name ? [index] : [])));
  }

  /** The place in the cluster of the node that serves the slot, as far as is known here. */
  primary(slot: number): number {
    return this.#owner[slot] as number;
  }

  /** The replicas of that node; its own place where it has none. */
  replicas(slot: number): readonly number[] {
    const primary = this.primary(slot);
    const replicas = this.#replicas[primary] ?? [];
    return replicas.length > 0 ? replicas : [primary];
  }

  /** 'MOVED 42 10.0.0.1:6379', or a name; the host is left out where the node that says it does not know it. */
  moved(message: string): void {
    const [, slot, address] = /^MOVED (\d+) (\S+)/.exec(message) ?? [];
    const index = this.#nodes.findIndex((node) => namesOf(node).includes(address ?? ''));
    if (slot !== undefined && index >= 0) this.#owner[Number(slot)] = index;
  }

  /** Asks for the topology, unless somebody just did; `ask` sends CLUSTER NODES to some node. */
  async refresh(nowMs: number, ask: () => Promise<string>): Promise<void> {
    if (this.#refreshing || nowMs - this.#refreshedAtMs < refreshEveryMs) return;
    this.#refreshing = true;
    this.#refreshedAtMs = nowMs;
    try {
      this.learn(await ask());
    } catch {
      // Nobody told anything: what is believed stays.
    } finally {
      this.#refreshing = false;
    }
  }

  /** Takes over what CLUSTER NODES says, where it is newer. Throws a ParseError. */
  learn(text: string): void {
    const view = parseClusterNodes(text);
    const place = (id: string | null): number => this.#nodes.findIndex((node) => node.id === id);
    for (const { id, flags, slots, configEpoch } of view) {
      const index = place(id);
      if (index < 0 || !flags.includes('master')) continue;
      for (const [first, last] of slots) {
        for (let slot = first; slot <= last; slot++) {
          // The same epoch again is taken over too: what was believed since may have been the MOVED of a node that was behind.
          if (configEpoch < (this.#epoch[slot] as number)) continue;
          this.#owner[slot] = index;
          this.#epoch[slot] = configEpoch;
        }
      }
    }
    this.#replicas = this.#nodes.map(({ id }) =>
      view.flatMap((peer) => (peer.primary === id && !peer.flags.includes('fail') && place(peer.id) >= 0 ? [place(peer.id)] : [])),
    );
  }
}
