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

const file = (what: Exclusive): string => `/tmp/slotquake-only-${what.replaceAll(' ', '-')}`;

/** Comes first among the actions of a node: a second fault is refused before it does anything, and so undoes nothing. */
export const exclusive = (node: string, tag: string, what: Exclusive): Action => ({
  do: toolbox(
    node,
    `( set -C; echo ${tag} >${file(what)} ) 2>/dev/null || { echo "the ${what} of ${node} is held by another fault, $(cat ${file(what)}); heal that one first"; exit 1; }`,
  ),
  undo: toolbox(node, `[ "$(cat ${file(what)} 2>/dev/null)" != ${tag} ] || rm ${file(what)}`),
  residue: toolbox(node, `! grep -qx ${tag} ${file(what)} 2>/dev/null || echo '${tag} holds the ${what}'`),
});

/** For a condition: nobody holds it, or this fault does. */
export const unheldByOthers = (node: string, tag: string, what: Exclusive) =>
  toolbox(node, `case "$(cat ${file(what)} 2>/dev/null)" in ''|${tag}) ;; *) exit 1 ;; esac`);
