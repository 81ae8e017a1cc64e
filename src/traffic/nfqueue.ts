import { UsageError } from '../base/errors.ts';
import type { Script, Shape, Traffic } from '../traffic.ts';
import { selectors } from './selectors.ts';

const holder = '/usr/lib/slotquake/hold.py';
const folder = '/run/slotquake';

/**
 * Each tag has a queue of its own and a bit of the packet mark of its own. The holder's verdict sends a packet through
 * the chain again, where the bit keeps it from the same queue, so that the rules of other tags, and foreign ones behind
 * them, see it as well; "accept" would skip them.
 */
const firstQueue = 5100;
const queuesEach = 2;
const firstBit = 20;
const slots = 6;
/** Set by a holder on a packet that is to be sent twice. */
const twice = '0x40000000';
/**
 * Set on a packet on the way out that is on no socket's account. A socket may have but few packets that are still to be
 * sent, so that holding them would stop the sender; netem takes them off its account, and so do we: the kernel makes a
 * copy, which has no owner and is held, and the packet itself goes to a second queue, where the holder drops it.
 */
const freed = '0x80000000';

const directions = [
  { way: 'in', name: 'IN', hook: 'INPUT' },
  { way: 'out', name: 'OUT', hook: 'POSTROUTING' },
] as const;

export function nfqueueScript(tag: string, traffic: Traffic, shape: Shape, seed: number): Script {
  const chain = (name: string): string => `SLOTQUAKE-${tag}-${name}`;
  // Matches our chains and no other tag's: the names of ours end here, and tags have no capitals.
  const ours = `SLOTQUAKE-${tag}-(IN|OUT|Q|IN-D|OUT-D|OUT-F)`;
  const freeing = traffic.peers !== 'all' && (shape.delayMs > 0 || shape.jitterMs > 0 || shape.reorderPercent > 0);
  const state = `${folder}/${tag}.json`;
  // The brackets keep the pattern from matching the shell that looks for it.
  const holders = `grep -lzs '^[s]lotquake-hold=${tag}=$' /proc/[0-9]*/cmdline | cut -d/ -f3`;
  const undo = [
    // One transaction takes the rules away; what the holder still has goes on its way when it ends.
    `rules=$(iptables-save -t mangle | grep -E -- '[ :]${ours}( |$)')`,
    `[ -z "$rules" ] || { echo '*mangle'; printf '%s\\n' "$rules" | sed -nE 's/^-A ((INPUT|POSTROUTING) )/-D \\1/p'; printf '%s\\n' "$rules" | sed -nE 's/^:([^ ]+) .*/-F \\1/p'; printf '%s\\n' "$rules" | sed -nE 's/^:([^ ]+) .*/-X \\1/p'; echo COMMIT; } | iptables-restore -w 5 --noflush`,
    `for signal in TERM KILL; do tries=100; while holder=$(${holders}) && [ -n "$holder" ] && [ $tries -gt 0 ]; do [ $tries -lt 100 ] || kill -$signal $holder 2>/dev/null; tries=$((tries - 1)); sleep 0.02; done; done`,
    `rm -f ${state} ${state}.new; rmdir ${folder} 2>/dev/null`,
  ].join('\n');
  return { do: apply(), undo: `${undo}\ntrue`, residue: residue(), counters: counters() };

  function apply(): string {
    const wish = {
      delay: shape.delayMs,
      jitter: shape.jitterMs,
      distribution: shape.distribution,
      loss: shape.lossPercent,
      duplicate: shape.duplicatePercent,
      reorder: shape.reorderPercent,
      corrupt: shape.corruptPercent,
      seed: seed >>> 0,
      duplicated: twice,
      state,
    };
    const words = Object.entries(wish).map(([name, value]) => `${name}=${value}`);
    return `undo() {
${undo}
}
undo
mkdir -p ${folder}
taken=$(iptables-save; cat /proc/net/netfilter/nfnetlink_queue 2>/dev/null)
slot=0
while [ $slot -lt ${slots} ]; do
  queue=$((${firstQueue} + slot * ${queuesEach})) seen=$(printf '0x%x' $((1 << (${firstBit} + slot))))
  printf '%s\\n' "$taken" | grep -qE -e "--queue-num $queue( |$)" -e "^ *$queue " -e "mark $seen/" || break
  slot=$((slot + 1))
done
[ $slot -lt ${slots} ] || { echo 'expected a free queue of ${firstQueue} to ${firstQueue + slots * queuesEach - 1} and its mark, but all are taken; heal another fault on this node first'; exit 1; }
python3 ${holder} slotquake-hold=${tag}= queue=$queue ${words.join(' ')} || exit 1
${
  freeing
    ? `iptables-restore -w 5 --noflush 2>/dev/null <<RULES && exit 0
${rules(true).join('\n')}
RULES`
    : ''
}
iptables-restore -w 5 --noflush <<RULES || { undo; exit 1; }
${rules(false).join('\n')}
RULES`;
  }

  /** Where the kernel makes no copies, packets stay on the sender's account. */
  function rules(free: boolean): string[] {
    const wanted = directions.map((direction) => ({ ...direction, matches: selectors(traffic, direction.way) }));
    const used = wanted.filter(({ matches }) => matches.length > 0);
    const doubling = shape.duplicatePercent > 0;
    return [
      '*mangle',
      `:${chain('Q')} - [0:0]`,
      `-A ${chain('Q')} -j MARK --or-mark $seen`,
      // Without a holder packets pass.
      `-A ${chain('Q')} -j NFQUEUE --queue-num $queue --queue-bypass`,
      ...used.flatMap(({ way, name, hook, matches }) => [
        `:${chain(name)} - [0:0]`,
        ...(doubling ? doubles(way, name) : []),
        `-A ${chain(name)} -m mark --mark $seen/$seen -j RETURN`,
        ...(free && way === 'out' ? frees() : []),
        ...matches.map((match) => `-A ${chain(name)} ${match} -j ${chain(free && way === 'out' ? 'OUT-F' : 'Q')}`),
        `-I ${hook} -j ${chain(name)}`,
      ]),
      'COMMIT',
    ];
  }

  function frees(): string[] {
    return [
      `:${chain('OUT-F')} - [0:0]`,
      `-A ${chain('OUT-F')} -m mark --mark ${freed}/${freed} -g ${chain('Q')}`,
      `-A ${chain('OUT-F')} -j MARK --or-mark ${freed}`,
      ...copiesTo(traffic.peers as readonly string[]).map((copy) => `-A ${chain('OUT-F')} ${copy}`),
      `-A ${chain('OUT-F')} -j NFQUEUE --queue-num $((queue + 1)) --queue-bypass`,
    ];
  }

  /** The kernel sends the copy, by the route to the other end, or to ourselves. The mark goes first, or the copy had copies. */
  function doubles(way: 'in' | 'out', name: string): string[] {
    if (way === 'out' && traffic.peers === 'all')
      throw new UsageError("expected the peers of duplicated packets by address on the way out, got 'all': a copy is sent to a named one");
    const copies =
      way === 'in'
        ? ['-j TEE --gateway 127.0.0.1']
        : (traffic.peers as readonly string[]).map((peer) => `-d ${peer} -j TEE --gateway ${peer}`);
    const doubling = chain(`${name}-D`);
    return [
      `:${doubling} - [0:0]`,
      `-A ${doubling} -j MARK --and-mark 0xbfffffff`,
      ...copies.map((copy) => `-A ${doubling} ${copy}`),
      `-A ${chain(name)} -m mark --mark $(printf '0x%x/0x%x' $((seen | ${twice})) $((seen | ${twice}))) -j ${doubling}`,
    ];
  }

  function residue(): string {
    return `rules=$(iptables-save -t mangle) || { echo "$rules"; exit 1; }
printf '%s\\n' "$rules" | grep -E -- '[ :]${ours}( |$)'
for holder in $(${holders}); do echo "process $holder holds packets"; done
ls -d ${state} ${state}.new 2>/dev/null
true`;
  }

  function counters(): string {
    const sum = (rule: string): string =>
      `$(printf '%s\\n' "$rules" | sed -nE 's/^\\[([0-9]+):.* -A ${rule}$/\\1/p' | { sum=0; while read -r packets; do sum=$((sum + packets)); done; echo $sum; })`;
    return `rules=$(iptables-save -c -t mangle) || { echo "$rules"; exit 1; }
queue=$(printf '%s\\n' "$rules" | sed -nE 's/.* -A ${chain('Q')} .*--queue-num ([0-9]+) .*/\\1/p')
all=${sum(`${chain('Q')} .*-j NFQUEUE .*`)} in=${sum(`${chain('IN')} .*-j ${chain('Q')}`)}
holding=false; [ -z "$(${holders})" ] || holding=true
told=$(cat ${state} 2>/dev/null); [ -n "$told" ] || told='"delayed":0,"lost":0,"duplicated":0,"reordered":0,"corrupted":0,"held":0'
overrun=$(while read -r number _ _ _ _ full unsent _; do [ "$number" != "$queue" ] || echo $((full + unsent)); done </proc/net/netfilter/nfnetlink_queue)
echo "{\\"way\\":\\"nfqueue\\",\\"in\\":$in,\\"out\\":$((all - in)),\\"holding\\":$holding,\\"overrun\\":\${overrun:-0},$told}"`;
  }
}

const copiesTo = (peers: readonly string[]): string[] => peers.map((peer) => `-d ${peer} -j TEE --gateway ${peer}`);
