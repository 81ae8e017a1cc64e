import { UsageError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { Cluster, Node } from '../cluster.ts';
import type { TopologyView } from '../timeline/observation.ts';
import { keySlot } from './topology.ts';

/** What a target may say; the error of a wrong one shows it, and so does `slotquake inject --help`. */
export const targetForms = [
  'node-1, node-4',
  'one primary',
  'one primary and its replica',
  'two replicas',
  'all primaries',
  'a minority of primaries',
  'half the nodes',
  'the primary of slot 42',
  'the primary of key user:1',
  'a replica of node-2',
  'all nodes except node-3',
  'everyone else',
] as const;

type Role = 'primary' | 'replica' | 'node';

const numbers: Readonly<Record<string, number>> = { a: 1, an: 1, one: 1, two: 2, three: 3, four: 4, five: 5, six: 6 };

/**
 * The nodes that a target means, by their roles in this topology, in a stable order. Pure: the same seed picks the same
 * ones. `others` is what 'everyone else' leaves out when the target itself has named nobody yet.
 * Throws a UsageError for a target that cannot be read or met.
 */
export function select(target: string, cluster: Cluster, topology: TopologyView, random: Random, others: readonly Node[] = []): Node[] {
  if (typeof target !== 'string') throw new UsageError(`expected a target such as '${targetForms[1]}', got ${JSON.stringify(target)}`);
  const picked = new Set<Node>();
  for (const term of target.split(/\s*,\s*|\s+and\s+/)) {
    const [wanted = '', ...excepted] = term.trim().split(/\s+except\s+/);
    const nodes = new Selection(target, cluster, topology, random, picked.size > 0 ? [...picked] : others);
    const out = new Set(excepted.flatMap((text) => nodes.read(text)));
    for (const node of nodes.read(wanted, out)) picked.add(node);
  }
  if (picked.size === 0) throw new UsageError(`the target '${target}' means no node of this cluster`);
  return [...picked];
}

/** Reads one term of a target against one topology. */
class Selection {
  readonly #target: string;
  readonly #cluster: Cluster;
  readonly #topology: TopologyView;
  readonly #random: Random;
  /** What the terms before this one picked. */
  readonly #before: readonly Node[];

  constructor(target: string, cluster: Cluster, topology: TopologyView, random: Random, before: readonly Node[]) {
    this.#target = target;
    this.#cluster = cluster;
    this.#topology = topology;
    this.#random = random;
    this.#before = before;
  }

  read(text: string, out: ReadonlySet<Node> = new Set()): Node[] {
    const without = (nodes: readonly Node[]): Node[] => nodes.filter((node) => !out.has(node));
    const named = this.#cluster.nodes.find(({ name }) => name === text);
    if (named) return without([named]);
    if (/^(everyone|everybody)$/.test(text)) return without(this.#cluster.nodes);
    if (/^(everyone|everybody|all others?|the others|the rest)( else)?$/.test(text))
      return without(this.#cluster.nodes.filter((node) => !this.#before.includes(node)));

    const owned = /^(?:its|their) (primary|primaries|replicas?)$/.exec(text);
    if (owned) {
      if (this.#before.length === 0) throw new UsageError(`the target '${this.#target}' says '${text}' before it names a node`);
      return without(this.#before.flatMap((node) => this.#relatives(node, owned[1] as string)));
    }
    const of = /^(?:the|a|an|one|all) (primary|replicas?) of (.+)$/.exec(text);
    if (of) return without(this.#relatives(this.#anchor(of[2] as string), text.startsWith('all ') ? 'replicas' : (of[1] as string)));

    const [, count, role] = /^(.+?) (?:of )?(?:the )?(primary|primaries|replicas?|nodes?)$/.exec(text) ?? [];
    if (count === undefined || role === undefined) throw this.#unreadable();
    const kind = role.startsWith('primar') ? 'primary' : role.startsWith('replica') ? 'replica' : 'node';
    const pool = without(this.#withRole(kind));
    return this.#draw(pool, this.#howMany(count, pool.length), text);
  }

  #howMany(count: string, available: number): number {
    if (/^(all|every)$/.test(count)) return available;
    if (count === 'half') return Math.floor(available / 2);
    if (count === 'a minority') return Math.floor((available - 1) / 2);
    if (count === 'a majority') return Math.floor(available / 2) + 1;
    const number = numbers[count] ?? (/^\d{1,3}$/.test(count) ? Number(count) : undefined);
    if (number === undefined) throw this.#unreadable();
    return number;
  }

  /** So many of them by chance, in the order of the cluster. */
  #draw(pool: readonly Node[], count: number, text: string): Node[] {
    if (count === 0 || count > pool.length)
      throw new UsageError(`the target '${this.#target}' wants ${text}, but the cluster has ${pool.length} to choose from`);
    const left = [...pool];
    const drawn = Array.from({ length: count }, () => {
      const node = this.#random.pick(left);
      left.splice(left.indexOf(node), 1);
      return node;
    });
    return pool.filter((node) => drawn.includes(node));
  }

  /** The node itself, or who serves the slot or the key. */
  #anchor(text: string): Node {
    const named = this.#cluster.nodes.find(({ name }) => name === text);
    if (named) return named;
    const [, what, value = ''] = /^(slot|key) (\S+)$/.exec(text) ?? [];
    if (what === undefined || (what === 'slot' && !/^\d{1,5}$/.test(value))) throw this.#unreadable();
    const slot = what === 'key' ? keySlot(value) : Number(value);
    if (slot > 16_383) throw new UsageError(`the target '${this.#target}' names slot ${slot}, expected 0 to 16383`);
    const id = this.#topology.find(
      ({ flags, slots }) => flags.includes('master') && slots.some(([first, last]) => first <= slot && slot <= last),
    )?.id;
    const owner = this.#cluster.nodes.find((node) => node.id === id);
    if (!owner) throw new UsageError(`the target '${this.#target}' names slot ${slot}, which no node of this cluster serves`);
    return owner;
  }

  #relatives(node: Node, which: string): Node[] {
    const view = this.#topology.find(({ id }) => id === node.id);
    if (which.startsWith('primar')) {
      const primary = view?.primary ? this.#cluster.nodes.filter(({ id }) => id === view.primary) : [node];
      if (primary.length === 0)
        throw new UsageError(`the target '${this.#target}' asks for the primary of ${node.name}, which has none here`);
      return primary;
    }
    const primaryId = view?.primary ?? node.id;
    const replicas = this.#withRole('replica').filter(
      ({ id }) => id !== node.id && this.#topology.some((peer) => peer.id === id && peer.primary === primaryId),
    );
    if (replicas.length === 0) throw new UsageError(`the target '${this.#target}' asks for a replica of ${node.name}, which has none`);
    return which === 'replicas' ? replicas : [this.#random.pick(replicas)];
  }

  #withRole(role: Role): Node[] {
    if (role === 'node') return [...this.#cluster.nodes];
    return this.#cluster.nodes.filter(({ id }) =>
      this.#topology.some((view) =>
        view.id !== id ? false : role === 'replica' ? view.flags.includes('slave') : view.flags.includes('master') && view.slots.length > 0,
      ),
    );
  }

  #unreadable(): UsageError {
    return new UsageError(`expected a target such as ${targetForms.map((form) => `'${form}'`).join(', ')}; got '${this.#target}'`);
  }
}
