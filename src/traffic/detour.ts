import type { Script, Traffic } from '../traffic.ts';

/** Devices that packets may come and go by: all that are up but loopback and the detours of tags. */
const devices = "$(ip -o link show up | sed -nE 's/^[0-9]+: ([^:@]+)[:@].*/\\1/p' | grep -vE '^(lo$|sq[io])')";
/**
 * A device of this name, always down, says that the hooks of $device are ours, and go when the last filter goes. It is
 * there before the hooks and goes after them, so that a script that is cut off between two commands leaves no hooks that
 * look like somebody else's.
 */
const hooksMark = 'sqh$(cat /sys/class/net/$device/ifindex)';
const firstPref = 5100;
const directions = [
  { way: 'in', hook: 'ingress', peer: 'src' },
  { way: 'out', hook: 'egress', peer: 'dst' },
] as const;

/**
 * Filters at both hooks of the node's devices send the chosen packets by way of a device of the tag's own, whose
 * queueing discipline gives them back. So the root qdisc of a device is never touched, whoever it belongs to, and no tag knows of another.
 */
/** The devices of a tag: what comes in, and what goes out. */
export const detours = (tag: string): Record<'in' | 'out', string> => ({ in: `sqi${tag}`, out: `sqo${tag}` });

export function detourScript(tag: string, traffic: Traffic, discipline: string): Script {
  const detour = detours(tag);
  const wanted = directions.flatMap(({ way, hook, peer }) => {
    const matches = filters(traffic, way, peer);
    return matches.length > 0 ? [{ way, hook, matches, device: detour[way] }] : [];
  });
  const prefs = `sed -nE '/^filter /s/.* pref ([0-9]+) .*/\\1/;/^[0-9]+$/h;/ to device sq[io]${tag}\\)/{g;p;}' | sort -u`;
  const undo = `for device in ${devices}; do
  for hook in ingress egress; do
    for pref in $(tc filter show dev $device $hook 2>/dev/null | ${prefs}); do tc filter del dev $device $hook pref $pref; done
  done
  if ip link show ${hooksMark} >/dev/null 2>&1 && [ -z "$(for hook in ingress egress; do tc filter show dev $device $hook; done 2>/dev/null)" ]; then
    tc qdisc del dev $device clsact 2>/dev/null
    ip link del ${hooksMark}
  fi
done
for detour in ${detour.in} ${detour.out}; do ip link del $detour 2>/dev/null; done`;

  return {
    do: `undo() {
${undo}
}
undo
for device in ${devices}; do
  if tc qdisc show dev $device | grep -q '^qdisc ingress '; then
    echo "expected no ingress qdisc on $device, but someone else has one there, which leaves no place for ours; remove it, or choose the way nfqueue"
    exit 1
  fi
done
${wanted
  .map(
    ({ device }) =>
      `{ ip link add ${device} type ifb && ip link set ${device} up && tc qdisc add dev ${device} root ${discipline}; } || { undo; exit 1; }`,
  )
  .join('\n')}
for device in ${devices}; do
  tc qdisc show dev $device | grep -q '^qdisc clsact ' ||
    { { ip link show ${hooksMark} >/dev/null 2>&1 || ip link add ${hooksMark} type ifb; } && tc qdisc add dev $device clsact; } ||
    { undo; exit 1; }
  pref=${firstPref}
  while { tc filter show dev $device ingress; tc filter show dev $device egress; } | grep -q " pref $pref "; do pref=$((pref + 1)); done
  tc -batch - <<FILTERS || { undo; exit 1; }
${wanted
  .flatMap(({ hook, matches, device }) =>
    matches.map(
      (match) => `filter add dev $device ${hook} protocol ip pref $pref u32 ${match} action mirred egress redirect dev ${device}`,
    ),
  )
  .join('\n')}
FILTERS
done`,
    undo: `${undo}\ntrue`,
    residue: `ip -o link show | grep -E ': sq[io]${tag}[:@]'
for device in ${devices}; do
  filters=$(for hook in ingress egress; do tc filter show dev $device $hook; done 2>/dev/null)
  printf '%s\\n' "$filters" | grep ' to device sq[io]${tag})'
  [ -n "$filters" ] || ip -o link show ${hooksMark} 2>/dev/null
done
true`,
    counters: `passed() { tc -s qdisc show dev $1 2>/dev/null | sed -nE 's/^ Sent .* ([0-9]+) pkt \\(dropped ([0-9]+),.*/\\1 \\2/p;s/^ backlog .* ([0-9]+)p .*/\\1/p' | tr '\\n' ' '; }
read -r in inLost inHeld <<IN
$(passed ${detour.in})
IN
read -r out outLost outHeld <<OUT
$(passed ${detour.out})
OUT
holding=false; ! ip link show ${wanted[0]?.device} >/dev/null 2>&1 || holding=true
echo "{\\"way\\":\\"netem\\",\\"in\\":$((in + inLost + inHeld)),\\"out\\":$((out + outLost + outHeld)),\\"holding\\":$holding,\\"overrun\\":null,\\"held\\":$((inHeld + outHeld)),\\"lost\\":$((inLost + outLost)),\\"delayed\\":null,\\"duplicated\\":null,\\"reordered\\":null,\\"corrupted\\":null}"`,
  };
}

/** The u32 matches that choose the same packets as `selectors`, one per filter. */
function filters({ ports, direction, peers }: Traffic, way: 'in' | 'out', peer: 'src' | 'dst'): string[] {
  if (direction !== 'both' && direction !== way) return [];
  const ends = peers === 'all' ? [[]] : peers.map((address) => [`match ip ${peer} ${address}/32`]);
  const sides =
    ports === 'all'
      ? [[]]
      : ports.flatMap((port) => ['dport', 'sport'].map((side) => ['match ip protocol 6 0xff', `match ip ${side} ${port} 0xffff`]));
  return ends.flatMap((end) => sides.map((side) => [...end, ...side].join(' ') || 'match u32 0 0'));
}
