import { UsageError } from './base/errors.ts';
import type { Node } from './cluster.ts';
import type { Planning } from './fault.ts';
import { memberOf } from './membership.ts';

/** One end of a slot's way from a primary to another. */
export type End = { readonly node: string; readonly id: string; readonly place: string };

/** From each victim, which must have slots, to one other primary: the one that `to` means, or any by chance. */
export function ends(
  what: string,
  to: string | undefined,
  { victims, topology, cluster, random, select }: Planning,
): { from: End[]; to: End } {
  const slotsOf = (node: Node) => topology.find(({ id }) => id === node.id)?.slots ?? [];
  const none = victims.find((node) => slotsOf(node).length === 0);
  if (none) throw new UsageError(`expected primaries with slots as the target of ${what}, but ${none.name} has none`);
  const others = cluster.nodes.filter((node) => !victims.includes(node) && slotsOf(node).length > 0);
  if (to === undefined && others.length === 0) throw new UsageError(`there is no other primary with slots; name who takes them with --to`);
  const [target, ...more] = to === undefined ? [random.pick(others)] : select(to);
  if (!target || more.length > 0 || victims.includes(target) || topology.some(({ id, primary }) => id === target.id && primary !== null))
    throw new UsageError(`expected --to to mean one primary that is not the target, got '${to}'`);
  const end = (node: Node): End => {
    const { name, ...rest } = memberOf(node);
    return { node: name, ...rest };
  };
  return { from: victims.map(end), to: end(target) };
}

/** The first slots of a node's ranges, as redis-cli takes them. */
export function firstSlots(ranges: readonly (readonly [first: number, last: number])[], count: number): number[] {
  const slots: number[] = [];
  for (const [first, last] of ranges) for (let slot = first; slot <= last && slots.length < count; slot++) slots.push(slot);
  return slots;
}

/**
 * Shell functions for moving slots by the engine's own commands. A node is named by its place, 'ip port'; many slots go
 * through one client, for each start of it costs more than what it does. `lead` finds the primary that a node has now,
 * so that a failover meanwhile does not send slots to a replica.
 */
export const slotFunctions = `
at() { place=$1; shift; $CLI -h "\${place% *}" -p "\${place#* }" "$@"; }
lead() {
  at "$1" CLUSTER NODES | awk -v place="$1" '
    { split($2, parts, /[:@]/); places[$1] = parts[1] " " parts[2] }
    /myself/ { if ($3 ~ /slave/) primary = $4; else print $1, place }
    END { if (primary != "") print primary, places[primary] }'
}
# owned PLACE SLOTS, opened PLACE SLOTS, filled PLACE SLOTS: those of the slots that it owns, has open, has keys of.
listed() {
  at "$2" CLUSTER NODES | awk -v which="$1" -v wanted="$3" -v whose="\${4:-myself}" '
    whose == "myself" ? /myself/ : $1 == whose { for (i = 9; i <= NF; i++) {
      if ($i ~ /^\\[/) { split(substr($i, 2), part, "-"); opened[part[1]] }
      else if ($3 ~ /master/) { ends = split($i, part, "-"); for (slot = part[1] + 0; slot <= part[ends] + 0; slot++) owned[slot] } } }
    END { many = split(wanted, slots, " ")
      for (i = 1; i <= many; i++) if (which == "owned" ? slots[i] in owned : slots[i] in opened) print slots[i] }'
}
owned() { listed owned "$@"; }
opened() { listed opened "$@"; }
filled() {
  for one in $2; do echo "CLUSTER COUNTKEYSINSLOT $one"; done | at "$1" |
    for one in $2; do read -r count; [ "$count" = 0 ] || echo "$one"; done
}
# epoch PLACE ID: the config epoch that it knows of a node.
epoch() { at "$1" CLUSTER NODES | awk -v id="$2" '$1 == id { print $7 }'; }
# tell PLACE WHAT SLOTS: SETSLOT; prints what is refused.
tell() {
  for one in $3; do echo "CLUSTER SETSLOT $one $2"; done | at "$1" 2>&1 | grep . | grep -v '^OK$'
}
# carry SLOT FROM TO [COUNT]: moves keys, all or so many, replacing what the other side has of them.
carry() {
  left=\${4:-1000000000}
  while [ "$left" -gt 0 ]; do
    keys=$(at "$2" CLUSTER GETKEYSINSLOT "$1" $((left < 50 ? left : 50)))
    [ -n "$keys" ] || return 0
    slot=$1; from=$2; to=$3
    IFS='
'
    set -f; set -- $keys; set +f; unset IFS
    left=$((left - $#))
    reply=$(at "$from" MIGRATE "\${to% *}" "\${to#* }" '' 0 2000 REPLACE $MIGRATE_AUTH KEYS "$@")
    case $reply in OK|NOKEY) ;; *) echo "moving keys of slot $slot: $reply"; return 1 ;; esac
    set -- "$slot" "$from" "$to"
  done
}
# move FROM_ID FROM TO_ID TO SLOTS: also from where an earlier move stopped. TO must have heard of FROM's newest config
# epoch, or it would claim the slots with an older one and lose them again.
move() {
  [ -n "$5" ] || return 0
  for try in $(seq 25); do [ "$(epoch "$2" "$1")" = "$(epoch "$4" "$1")" ] && break; sleep 0.1; done
  tell "$4" "IMPORTING $1" "$5" >/dev/null
  tell "$2" "MIGRATING $3" "$5" >/dev/null
  for each in $(filled "$2" "$5"); do carry "$each" "$2" "$4" || return 1; done
  refused=$(tell "$4" "NODE $3" "$5"; tell "$2" "NODE $3" "$5")
  [ -z "$refused" ] || { echo "$refused"; return 1; }
}
# bring_back AWAY_ID AWAY HOME_ID HOME SLOTS: where a move stopped halfway it is finished first, because in that state
# the engines send writes to both sides, and only a whole move keeps all of them.
bring_back() {
  halfway=$( (opened "$2" "$5"; opened "$4" "$5"; filled "$2" "$5") | sort -u )
  move "$3" "$4" "$1" "$2" "$(owned "$4" "$halfway")" || return 1
  move "$1" "$2" "$3" "$4" "$(owned "$2" "$5")" || return 1
  # Home takes them for the other's, who no longer claims them: nobody serves them.
  nobodys=$(for one in $(listed owned "$4" "$5" "$1"); do [ -n "$(owned "$2" "$one")" ] || echo "$one"; done)
  [ -z "$nobodys" ] || { tell "$4" "NODE $3" "$nobodys"; at "$4" CLUSTER BUMPEPOCH >/dev/null; return 1; }
}
# left SLOTS AWAY HOME: prints what keeps the slots from being whole at home.
left() {
  [ "$(owned "$3" "$1" | wc -l)" -eq $(echo "$1" | wc -w) ] || echo "$3 does not own all of $1"
  for one in $(filled "$2" "$1"); do echo "$2 has keys of slot $one"; done
  for end in "$2" "$3"; do for one in $(opened "$end" "$1"); do echo "$end has slot $one open"; done; done
}
`;

/** `$home_id`, `$home`, `$away_id` and `$away`: the primaries that both ends have now. */
export const bothEnds = (from: End, to: End): string => `${slotFunctions}
set -- $(lead '${from.place}'); home_id=$1; home="$2 $3"
set -- $(lead '${to.place}'); away_id=$1; away="$2 $3"
[ -n "$home_id" ] && [ -n "$away_id" ] || { echo 'one end does not answer'; exit 1; }
`;
