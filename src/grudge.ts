/** Who no longer hears whom: for each node the nodes whose packets it throws away. The shapes are Jepsen's, made of names. */
export type Grudge = Readonly<Record<string, readonly string[]>>;

/** Every node of one side against every node of the others. */
export function sides(...groups: readonly (readonly string[])[]): Grudge {
  const all = groups.flat();
  return Object.fromEntries(groups.flatMap((group) => group.map((node) => [node, all.filter((other) => !group.includes(other))])));
}

/** One node hears both halves and is heard by both; the halves do not hear one another. */
export function bridge(nodes: readonly string[]): Grudge {
  const middle = Math.floor(nodes.length / 2);
  const [left, right] = [nodes.slice(0, middle), nodes.slice(middle + 1)];
  return { ...sides(left, right), [nodes[middle] as string]: [] };
}

/** Each node hears only its neighbours in a ring: a majority for each, and not the same for any two. */
export function ring(nodes: readonly string[], hears = Math.floor(nodes.length / 2) + 1): Grudge {
  const reach = Math.floor((hears - 1) / 2);
  return Object.fromEntries(
    nodes.map((node, index) => [
      node,
      nodes.filter((_, other) => {
        const distance = Math.abs(index - other);
        return Math.min(distance, nodes.length - distance) > reach;
      }),
    ]),
  );
}

/** Only those in `from` are no longer heard; they themselves still hear. */
export const oneWay = (grudge: Grudge, deaf: readonly string[]): Grudge =>
  Object.fromEntries(Object.entries(grudge).map(([node, unheard]) => [node, deaf.includes(node) ? unheard : []]));
