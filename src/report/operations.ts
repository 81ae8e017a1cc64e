import { formatMs } from '../base/duration.ts';
import type { Consistency } from '../consistency.ts';
import type { LostWrite } from '../consistency/losses.ts';
import type { RunInfo } from '../timeline.ts';
import { escape } from './escape.ts';

const shownLosses = 50;

/** What clients did and what became of it: acknowledged, lost, stale, and what they felt. */
export function operations(run: RunInfo, consistency: Consistency): string[] {
  return [accounting(run, consistency), lostWrites(consistency.loss.losses.writes, consistency.loss.losses.lost)];
}

const row = (name: string, value: string | number, about: string): string =>
  `<tr><td>${escape(name)}</td><td class="nowrap">${escape(value)}</td><td class="dim">${escape(about)}</td></tr>`;

function accounting({ workload }: RunInfo, { loss, operations: count }: Consistency): string {
  const { losses } = loss;
  return `<h2>Operations</h2><p class="dim">${count} operations of the workload ${escape(workload.kind)}, ${workload.clients} clients (${escape(workload.client)}), WAIT ${workload.wait}.</p>
<table><tbody>${[
    row('acknowledged', losses.acknowledged, 'writes that clients hold for done'),
    row('lost', losses.lost, `of which ${losses.outside} outside every window that the engine documents`),
    row('over', formatMs(losses.longestWindowMs), 'the longest time in which a node acknowledged what was lost'),
    row('recovered', loss.recovered, `writes of unknown outcome that were there in the end, of ${loss.unknown}`),
  ].join('')}</tbody></table>`;
}

function lostWrites(writes: readonly LostWrite[], total: number): string {
  if (writes.length === 0) return '';
  const rows = writes
    .slice(0, shownLosses)
    .map(
      ({ id, key, found, node, acknowledgedAtMs, outside }) =>
        `<tr><td>${escape(key)}</td><td>${escape(id)}</td><td>${escape(found)}</td><td>${escape(node ?? 'not told')}</td><td class="nowrap">${formatMs(acknowledgedAtMs)}</td><td>${outside ? 'no' : 'yes'}</td></tr>`,
    );
  return `<h2>Acknowledged writes that are gone</h2><p class="dim">${Math.min(shownLosses, writes.length)} of ${total}; all stand in consistency.json, up to its limit.</p><div class="scroll"><table><thead><tr><th>key</th><th>written</th><th>found</th><th>acknowledged by</th><th>at</th><th>explained</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}
