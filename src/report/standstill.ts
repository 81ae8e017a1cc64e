import { formatMs } from '../base/duration.ts';
import type { Service } from '../consistency/service.ts';
import type { WorkloadInfo } from '../timeline.ts';

/** What stood still for so much longer than all clients together did stood still by itself. */
const longerMs = 1_000;

/**
 * `client 3 at client-1 got nothing done for 12.0 s, from 14.2 s to 26.2 s, and 5 of the other 11 for 9.00 s or longer`; empty where no
 * client stood still much longer than all of them together. Clients are spread over the places in turn (load.ts).
 */
export function standstill({ clients, stall }: Service, { places = [] }: Pick<WorkloadInfo, 'places'>): string {
  const together = stall?.ms ?? 0;
  const still = clients.filter((each) => each.stall.ms > together + longerMs).toSorted((a, b) => b.stall.ms - a.stall.ms);
  const [longest] = still;
  if (!longest) return '';
  const place = places[longest.client % places.length];
  const { ms, fromMs } = longest.stall;
  const others = still.length - 1;
  return [
    `client ${longest.client}${place === undefined ? '' : ` at ${place}`} got nothing done for ${formatMs(ms)}, from ${formatMs(fromMs)} to ${formatMs(fromMs + ms)}`,
    ...(others > 0 ? [`and ${others} of the other ${clients.length - 1} for ${formatMs(still.at(-1)?.stall.ms ?? 0)} or longer`] : []),
  ].join(', ');
}
