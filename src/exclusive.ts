import { toolbox } from './driver.ts';
import type { Action } from './fault.ts';

/** What of a node only one fault at a time can hold, because the undo of one would undo the other. */
export type Exclusive =
  | 'process'
  | 'freezer'
  | 'memory limit'
  | 'cpu limit'
  | 'data mount'
  | 'clock'
  | 'membership'
  | 'slots'
  /** What it knows of another node. */
  | `memory of ${string}`;

/** A link to nowhere, named after what is held and pointing to the tag: it is there with its holder in one step, or not at all. */
const link = (what: Exclusive): string => `/tmp/slotquake-only-${what.replaceAll(' ', '-')}`;

/** Comes first among the actions of a node: a second fault is refused before it does anything, and so undoes nothing. */
export const exclusive = (node: string, tag: string, what: Exclusive): Action => ({
  do: toolbox(
    node,
    `ln -sn ${tag} ${link(what)} 2>/dev/null || { echo "the ${what} of ${node} is held by another fault, $(readlink ${link(what)}); heal that one first"; exit 1; }`,
  ),
  undo: toolbox(node, `[ "$(readlink ${link(what)})" != ${tag} ] || rm ${link(what)}`),
  residue: toolbox(node, `[ "$(readlink ${link(what)})" != ${tag} ] || echo '${tag} holds the ${what}'`),
});

/** For a condition: nobody holds it, or this fault does. */
export const unheldByOthers = (node: string, tag: string, what: Exclusive) =>
  toolbox(node, `case "$(readlink ${link(what)})" in ''|${tag}) ;; *) exit 1 ;; esac`);
