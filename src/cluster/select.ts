import { UsageError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { Cluster, Node } from '../cluster.ts';
import type { TopologyView } from '../timeline/observation.ts';

/** What a target may say: the error of a wrong one lists it. */
const forms = "'one primary', 'one replica', 'all primaries', 'all replicas', 'all nodes', or node names such as 'node-1, node-4'";

/** The nodes that a target means, by their roles in this topology. Pure: the same seed picks the same ones. */
export function select(target: string, cluster: Cluster, topology: TopologyView, random: Random): Node[] {
  const withFlag = (flag: 'master' | 'slave'): Node[] =>
    cluster.nodes.filter(({ id }) =>
      topology.some((view) => view.id === id && view.flags.includes(flag) && (flag === 'slave' || view.slots.length > 0)),
    );
  const some = (nodes: readonly Node[]): readonly Node[] => {
    if (nodes.length === 0) throw new UsageError(`the target '${target}' means no node of this cluster`);
    return nodes;
  };
  switch (target.trim()) {
    case 'one primary':
      return [random.pick(some(withFlag('master')))];
    case 'one replica':
      return [random.pick(some(withFlag('slave')))];
    case 'all primaries':
      return [...some(withFlag('master'))];
    case 'all replicas':
      return [...some(withFlag('slave'))];
    case 'all nodes':
      return [...cluster.nodes];
    default:
      return target.split(',').map((name) => {
        const node = cluster.nodes.find((candidate) => candidate.name === name.trim());
        if (!node) throw new UsageError(`expected a target such as ${forms}, got '${target}'`);
        return node;
      });
  }
}
