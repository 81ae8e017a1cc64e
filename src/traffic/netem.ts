import type { Script, Shape, Traffic } from '../traffic.ts';
import { detourScript } from './detour.ts';

/** A packet that is to be overtaken waits this long, where no delay was asked for. */
const overtakenMs = 10;

/** Exit 0 where this kernel has all that the netem way needs, tried in this namespace on a device of our own. */
export const hasNetemScript = `ip link del sq-probe 2>/dev/null
ip link add sq-probe type ifb 2>/dev/null || exit 1
tc qdisc add dev sq-probe root netem delay 1ms 1ms distribution normal 2>/dev/null &&
  tc qdisc add dev sq-probe clsact 2>/dev/null &&
  tc filter add dev sq-probe egress protocol ip pref 1 u32 match ip dport 1 0xffff action mirred egress redirect dev lo 2>/dev/null
works=$?
ip link del sq-probe
exit $works`;

export const netemScript = (tag: string, traffic: Traffic, shape: Shape): Script =>
  detourScript(tag, traffic, `netem limit 100000${parameters(shape)}`);

/** What netem is told; the same meaning as the packet holder's. */
function parameters(shape: Shape): string {
  const { delayMs, jitterMs, distribution, lossPercent, duplicatePercent, reorderPercent, corruptPercent } = shape;
  const words: string[] = [];
  if (delayMs > 0 || jitterMs > 0) {
    // Without any delay netem refuses to reorder.
    words.push(`delay ${delayMs > 0 ? `${delayMs}ms` : '1us'}`);
    if (jitterMs > 0) words.push(`${jitterMs}ms`, ...(distribution === 'normal' ? ['distribution normal'] : []));
    if (reorderPercent > 0) words.push(`reorder ${reorderPercent}%`);
  } else if (reorderPercent > 0) words.push(`delay ${overtakenMs}ms reorder ${100 - reorderPercent}%`);
  if (lossPercent > 0) words.push(`loss ${lossPercent}%`);
  if (duplicatePercent > 0) words.push(`duplicate ${duplicatePercent}%`);
  if (corruptPercent > 0) words.push(`corrupt ${corruptPercent}%`);
  return words.map((word) => ` ${word}`).join('');
}
