import { momentsOf, type Step, type Violation } from '../consistency/counterexample.ts';
import { foreign, nothing } from '../timeline/history.ts';
import { escape } from './escape.ts';

const width = 1_120;
const left = 150;
const right = 60;
const laneHeight = 36;
const top = 8;
const charWidth = 7;

/**
 * The operations of a contradiction as bars from sending to answer, one lane a client. The moments stand at equal
 * distances, each with its time: their order is what contradicts, and a read in the end may be minutes away.
 */
export function counterexample({ key, window, explanation }: Violation): string {
  const { moments, written } = momentsOf(window);
  const step = (width - left - right) / Math.max(1, moments.length - 1);
  const x = (ms: number): number => (ms === Number.POSITIVE_INFINITY ? width - 4 : Math.round(left + moments.indexOf(ms) * step));
  const lanes = lanesOf(window);
  const bottom = top + lanes.length * laneHeight;
  const parts: string[] = [];
  for (const ms of moments)
    parts.push(
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${top}" y2="${bottom + 5}" class="tick"/><text x="${x(ms)}" y="${bottom + 18}" class="dim" text-anchor="middle">${written(ms)}</text>`,
    );
  for (const [index, lane] of lanes.entries()) {
    const y = top + index * laneHeight;
    parts.push(
      `<g class="lane"><text x="4" y="${y + 28}">${escape(lane.name)}</text><line x1="${left}" x2="${width - 4}" y1="${y + 23.5}" y2="${y + 23.5}" class="base"/>`,
      ...lane.steps.map((one) => bar(one, x, y, written, one === window.at(-1))),
      '</g>',
    );
  }
  const label = `counterexample for key ${key}: ${explanation}`;
  const height = bottom + 24;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(label)}">${parts.join('')}</svg>`;
}

interface Lane {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** A client does one thing after the other; of unknown ones, and of a client that pipelines, each has a lane of its own. */
function lanesOf(window: readonly Step[]): Lane[] {
  const lanes: { name: string; client: number | null; steps: Step[] }[] = [];
  for (const step of window.toSorted((a, b) => a.sentAtMs - b.sentAtMs)) {
    const free = lanes.find(
      ({ client, steps }) => client !== null && client === step.client && steps.every((one) => one.doneAtMs <= step.sentAtMs),
    );
    if (free) free.steps.push(step);
    else lanes.push({ name: step.client === null ? 'a client' : `client ${step.client}`, client: step.client, steps: [step] });
  }
  return lanes;
}

function bar(step: Step, x: (ms: number) => number, y: number, written: (ms: number) => string, contradicting: boolean): string {
  const from = x(step.sentAtMs);
  const span = Math.max(3, x(step.doneAtMs) - from);
  const what = step.verb === 'set' ? `set ${step.value}` : `get → ${shown(step.value)}`;
  // The read that nothing explains has a sign as well as a colour.
  const label = `${contradicting ? '✗ ' : ''}${what}${step.node === null ? '' : ` · ${step.node}`}`;
  const end = step.doneAtMs === Number.POSITIVE_INFINITY ? 'outcome unknown' : `${step.outcome} at ${written(step.doneAtMs)}`;
  const kind = contradicting ? 'fail' : step.outcome === 'ok' ? (step.verb === 'set' ? 'primary' : 'replica') : step.outcome;
  // A label that would leave the picture ends where its bar does.
  const atEnd = from + charWidth * label.length > width;
  const text = `<text x="${atEnd ? from + span : from}" y="${y + 13}"${atEnd ? ' text-anchor="end"' : ''}>${escape(label)}</text>`;
  return `<g><title>${escape(`${label}, sent at ${written(step.sentAtMs)}, ${end}`)}</title><rect x="${from}" y="${y + 18}" width="${span}" height="12" rx="3" class="${kind}"/>${text}</g>`;
}

const shown = (value: number): string => (value === nothing ? 'nothing' : value === foreign ? 'a value of nobody' : String(value));
