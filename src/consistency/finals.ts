import { type Names, nothing, type Row } from '../timeline/history.ts';
import { reach } from './column.ts';

const noNode = -2;

/** A key of which two nodes tell different things at rest. */
export interface Difference {
  readonly key: string;
  readonly slot: number;
  readonly nodes: readonly [string | null, string | null];
}

/**
 * What the nodes answered when everything was over, known before the second pass begins. What a key holds in the end is
 * what the node says that answers as its primary; replicas are only compared with it. Answers are compared by a digest of
 * 32 bits: two that differ are taken for the same once in four billion times, never the other way round.
 */
export class Finals {
  #primaries = new Int32Array(64).fill(noNode);
  #digests = new Int32Array(64);
  #firsts = new Int32Array(64);
  #seconds = new Int32Array(64);
  readonly #others = new Map<number, (readonly [number, number])[]>();
  readonly #contested: { key: number; node: number }[] = [];
  readonly #replicaKeys: number[] = [];
  readonly #replicaNodes: number[] = [];
  readonly #replicaDigests: number[] = [];

  see(row: Row): void {
    if (row.outcome !== 'ok') return;
    const { key, node } = row;
    const digest = digestOf(row);
    if (row.replica) {
      // Nodes are asked one after the other, and meanwhile the time of a value may be over.
      if (row.verb === 'get-expiring') return;
      this.#replicaKeys.push(key);
      this.#replicaNodes.push(node);
      this.#replicaDigests.push(digest);
      return;
    }
    const first = row.verb === 'get-pair' ? (row.count > 0 ? row.valueAt(0) : nothing) : row.value;
    const second = row.verb === 'get-pair' ? (row.count > 1 ? row.valueAt(1) : nothing) : row.value;
    if (!this.answered(key)) {
      this.#primaries = reach(this.#primaries, key, noNode);
      this.#digests = reach(this.#digests, key);
      this.#firsts = reach(this.#firsts, key);
      this.#seconds = reach(this.#seconds, key);
      this.#primaries[key] = node;
      this.#digests[key] = digest;
      this.#firsts[key] = first;
      this.#seconds[key] = second;
    } else if (this.#digests[key] !== digest) {
      this.#others.set(key, [...(this.#others.get(key) ?? []), [first, second]]);
      this.#contested.push({ key, node });
    }
  }

  /** Whether a node has answered as the primary of a key. */
  answered(key: number): boolean {
    return (this.#primaries[key] ?? noNode) !== noNode;
  }

  /** The first node that answered as its primary. */
  primary(key: number): number {
    return this.#primaries[key] ?? noNode;
  }

  /** What a key of one value holds: `nothing`, `foreign`, an id, or a sum. Of a pair, the first of both. */
  first(key: number): number {
    return this.#firsts[key] ?? nothing;
  }

  second(key: number): number {
    return this.#seconds[key] ?? nothing;
  }

  /** What further primaries of a key say, where they say something else. */
  others(key: number): readonly (readonly [number, number])[] | undefined {
    return this.#others.get(key);
  }

  /** Keys of which two primaries say different things. */
  divergent(names: Names): Difference[] {
    return this.#contested.map(({ key, node }) => this.#difference(names, key, node));
  }

  /** Replicas that differ from their primary, one entry a key and replica. */
  replicasDiffer(names: Names): Difference[] {
    const found: Difference[] = [];
    for (const [index, key] of this.#replicaKeys.entries())
      if (this.answered(key) && this.#digests[key] !== this.#replicaDigests[index])
        found.push(this.#difference(names, key, this.#replicaNodes[index] as number));
    return found;
  }

  #difference(names: Names, key: number, node: number): Difference {
    return { key: names.key(key), slot: names.slot(key), nodes: [names.node(this.primary(key)), names.node(node)] };
  }
}

/** SMEMBERS has no order, so what it returns is added up. */
function digestOf(row: Row): number {
  let digest = row.value | 0;
  for (let index = 0; index < row.count; index++) {
    const mixed = Math.imul(row.valueAt(index) ^ (row.valueAt(index) >>> 15), 0x2c_1b_3c_6d) ^ 0x5b_d1_e9_95;
    const spread = Math.imul(mixed ^ (mixed >>> 13), 0x29_7a_2d_39);
    digest = row.verb === 'members' ? (digest + spread) | 0 : (Math.imul(digest, 31) + spread) | 0;
  }
  return digest;
}
