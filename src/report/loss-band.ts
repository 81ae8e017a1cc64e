import { formatMs } from '../base/duration.ts';
import type { Losses } from '../consistency/losses.ts';
import { escape } from './escape.ts';

/** How high the densest column of lost writes is. */
const tallest = 13;

/**
 * The windows in which a node acknowledged what is gone, as a thin band above its lane, and how densely, as columns that grow
 * from `bottom`. Columns are on one scale for all lanes, at least a column where anything was lost.
 */
export function lossBand(
  { windows, writes }: Losses,
  node: string | null,
  { x, y, bottom, binMs, fromMs }: { x: (ms: number) => number; y: number; bottom: number; binMs: number; fromMs: number },
): string {
  const own = windows.filter((window) => window.node === node);
  if (own.length === 0) return '';
  const binOf = (ms: number): number => Math.floor((ms - fromMs) / binMs);
  const counts = new Map<string, number>();
  for (const { node: by, acknowledgedAtMs } of writes) {
    const bin = `${by ?? ''} ${binOf(acknowledgedAtMs)}`;
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  const bands = own.map((window) => {
    const columns: string[] = [];
    for (let bin = binOf(window.fromMs); bin <= binOf(window.toMs); bin++) {
      const count = counts.get(`${node ?? ''} ${bin}`) ?? 0;
      if (count === 0) continue;
      const left = x(fromMs + bin * binMs);
      const high = Math.max(2, (count / most) * tallest);
      columns.push(
        `<rect x="${left}" y="${(bottom - high).toFixed(1)}" width="${Math.max(1, x(fromMs + (bin + 1) * binMs) - left - 0.5).toFixed(1)}" height="${high.toFixed(1)}" class="lost"/>`,
      );
    }
    const title = `${window.lost} acknowledged writes lost, of ${window.acknowledged} that ${node ?? 'some node'} acknowledged from ${formatMs(window.fromMs)} to ${formatMs(window.toMs)}`;
    return `<g class="losses"><title>${escape(title)}</title><rect x="${x(window.fromMs)}" y="${y}" width="${Math.max(2, x(window.toMs) - x(window.fromMs)).toFixed(1)}" height="3" class="lost"/>${columns.join('')}</g>`;
  });
  return bands.join('');
}
