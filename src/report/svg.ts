import { formatMs } from '../base/duration.ts';
import { isPrimary, ownLine } from '../timeline/claims.ts';
import type { Consistency } from '../consistency.ts';
import type { Throughput } from '../consistency/service.ts';
import type { Timeline } from '../timeline/timeline.ts';
import type { LogKind } from '../timeline.ts';
import { ascribedLosses } from './accounts.ts';
import { describe, type Names } from './describe.ts';
import { escape } from './escape.ts';
import { lossBand } from './loss-band.ts';

const width = 1_120;
const left = 76;
const right = 14;
const laneHeight = 30;
/** How much of the forming is drawn before the run is steady; what formed well is not worth half the picture. */
const leadMs = 1_000;

export interface Drawing {
  readonly svg: string;
  /** Where the picture begins on the run's clock; 0 unless the forming was left out. */
  readonly fromMs: number;
}

type State = 'primary' | 'replica' | 'fail' | 'silent';
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly role: 'primary' | 'replica';
  /** What it said of itself and of the cluster; null before anybody asked it. */
  readonly state: State | null;
}

/** What a node was in the course of time, by its own word; silent where it did not answer. */
export function stretches(timeline: Timeline, node: string, endMs: number): Stretch[] {
  const result: Stretch[] = [];
  let role: Stretch['role'] = 'replica';
  let ok = true;
  let now: Pick<Stretch, 'role' | 'state'> = { role, state: null };
  let sinceMs = 0;
  const become = (state: State, atMs: number): void => {
    if (state === now.state && role === now.role) return;
    if (atMs > sinceMs) result.push({ fromMs: sinceMs, toMs: atMs, ...now });
    now = { role, state };
    sinceMs = atMs;
  };
  for (const event of timeline.events) {
    if ((event.type !== 'observed' && event.type !== 'probe-failed') || event.node !== node) continue;
    if (event.type === 'probe-failed') {
      if (event.probe === 'ping') become('silent', event.atMs);
      continue;
    }
    if (event.probe === 'topology') {
      const own = ownLine(event.value);
      if (own) role = isPrimary(own) ? 'primary' : 'replica';
    } else if (event.probe === 'cluster-info') ok = event.value.state === 'ok';
    else continue;
    become(ok ? role : 'fail', event.atMs);
  }
  if (endMs > sinceMs) result.push({ fromMs: sinceMs, toMs: endMs, ...now });
  return result;
}

const grave: readonly LogKind[] = ['fail', 'pfail', 'crashed', 'output-buffer-overrun'];
const turning: readonly LogKind[] = ['election-started', 'election-won', 'vote-granted', 'role-changed'];
const gravity = (kind: LogKind): number => (grave.includes(kind) ? 2 : turning.includes(kind) ? 1 : 0);

/** One lane a node, faults above them, the clients' operations below, on one axis of seconds; losses where they were acknowledged. */
export function drawing(timeline: Timeline, consistency: Consistency | null, names: Names): Drawing {
  const { nodes } = timeline.run;
  const endMs = Math.max(1_000, timeline.events.at(-1)?.atMs ?? 0);
  const fromMs = Math.max(0, Math.floor((timeline.phaseAtMs('steady') ?? 0) - leadMs));
  const x = (ms: number): number =>
    Math.round((left + ((Math.min(Math.max(ms, fromMs), endMs) - fromMs) / (endMs - fromMs)) * (width - left - right)) * 10) / 10;
  const faults = timeline.of('fault-injecting').map((event) => ({
    ...event,
    toMs: timeline.of('fault-healed').find(({ fault }) => fault === event.fault)?.atMs ?? endMs,
  }));
  const faultRows = rowsOf(faults);
  const faultTop = 22;
  const top = faultTop + Math.max(0, ...faultRows.map((row) => row + 1)) * 20 + 6;
  const opsTop = top + nodes.length * laneHeight + 14;
  const bottom = opsTop + 66;
  const height = bottom + 24;
  const parts: string[] = [];
  const losses = consistency ? ascribedLosses(consistency) : null;
  const binMs = binOf(fromMs, endMs);
  const lost = (node: string | null, y: number, low: number): string =>
    losses ? lossBand(losses, node, { x, y, bottom: low, binMs, fromMs }) : '';

  const phases = timeline.of('phase-entered');
  for (const [index, { phase, atMs }] of phases.entries()) {
    const toMs = phases[index + 1]?.atMs ?? endMs;
    const span = x(toMs) - x(atMs);
    if (span <= 0) continue;
    parts.push(
      `<rect x="${x(atMs)}" y="0" width="${span}" height="${bottom}" class="phase${index % 2}"><title>${escape(`${phase}: ${formatMs(toMs - atMs)}`)}</title></rect>`,
    );
    if (span > 7 * phase.length + 6) parts.push(`<text x="${x(atMs) + 4}" y="14" class="dim">${escape(phase)}</text>`);
  }
  for (const [index, { name, atMs, toMs, nodes: victims }] of faults.entries()) {
    const y = faultTop + (faultRows[index] ?? 0) * 20;
    const label = `${name} at ${victims.join(', ')}`;
    const span = Math.max(2, x(toMs) - x(atMs));
    const inside = span > 6.5 * label.length + 8;
    // A label that does not fit stands beside its bar, on the side that has the room.
    const beside = x(atMs) + span + 5 + 6.5 * label.length < width;
    parts.push(
      `<g><title>${escape(`${label}, ${formatMs(atMs)} to ${formatMs(toMs)}`)}</title><rect x="${x(atMs)}" y="${y + 18}" width="${span}" height="${bottom - y - 18}" class="shade"/><rect x="${x(atMs)}" y="${y}" width="${span}" height="17" rx="3" class="fault"/>${
        inside
          ? `<text x="${x(atMs) + 5}" y="${y + 12.5}" class="on">${escape(label)}</text>`
          : `<text x="${beside ? x(atMs) + span + 5 : x(atMs) - 5}" y="${y + 12.5}"${beside ? '' : ' text-anchor="end"'}>${escape(label)}</text>`
      }</g>`,
    );
  }
  for (const [index, { name, role }] of nodes.entries()) {
    const y = top + index * laneHeight;
    parts.push(
      `<g class="lane" data-node="${escape(name)}"><text x="4" y="${y + 16}">${escape(name)}<title>${escape(`${name}, ${role} at the start`)}</title></text><line x1="${left}" x2="${width - right}" y1="${y + 11.5}" y2="${y + 11.5}" class="base"/>`,
    );
    for (const stretch of stretches(timeline, name, endMs)) {
      if (stretch.state === null || stretch.toMs <= fromMs) continue;
      // A primary's bar is high and a replica's low, so that the role can be seen where the colour tells something else.
      const inset = stretch.state === 'silent' ? 9.5 : stretch.role === 'primary' ? 3 : 7;
      parts.push(
        `<rect x="${x(stretch.fromMs)}" y="${y + inset}" width="${Math.max(0.5, Math.round((x(stretch.toMs) - x(stretch.fromMs)) * 10) / 10)}" height="${23 - 2 * inset}" class="${stretch.state}"><title>${escape(`${name}: ${saying(stretch)}, ${formatMs(stretch.fromMs)} to ${formatMs(stretch.toMs)}`)}</title></rect>`,
      );
    }
    parts.push(lost(name, y - 1.5, y + 20));
    // Where several lines meet, the grave ones are drawn last and stay visible.
    const lines = timeline.of('log-line').filter(({ node, loggedAtMs }) => node === name && loggedAtMs >= fromMs);
    for (const line of lines.toSorted((a, b) => gravity(a.kind) - gravity(b.kind))) {
      const at = x(line.loggedAtMs);
      parts.push(
        `<path d="M${at - 4} ${y + 28} h8 l-4 -7 Z" class="log ${['plain', 'turning', 'grave'][gravity(line.kind)]}"><title>${escape(`${formatMs(line.loggedAtMs)}  ${describe(line, names)}`)}</title></path>`,
      );
    }
    for (const { node, atMs, exitCode } of timeline.of('container-exited')) {
      if (node === name && atMs >= fromMs)
        parts.push(
          `<text x="${x(atMs)}" y="${y + 17}" class="exit" text-anchor="middle">✕<title>${escape(`${formatMs(atMs)}  exited with code ${exitCode}`)}</title></text>`,
        );
    }
    parts.push('</g>');
  }
  parts.push(
    clients(consistency?.service.throughput ?? null, x, fromMs, endMs, opsTop),
    lost(null, opsTop, opsTop + 58),
    axis(x, fromMs, endMs, bottom),
  );
  const label = `timeline of ${nodes.length} nodes from ${formatMs(fromMs)} to ${formatMs(endMs)}`;
  return {
    svg: `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(label)}">${parts.join('')}</svg>`,
    fromMs,
  };
}

const saying = ({ role, state }: Stretch): string =>
  state === 'silent' ? 'no answer' : state === 'fail' ? `${role}, says cluster_state:fail` : role;

/** The row of each fault, so that those in force at the same time stand below one another. */
function rowsOf(faults: readonly { readonly atMs: number; readonly toMs: number }[]): number[] {
  const endsOfRows: number[] = [];
  return faults.map(({ atMs, toMs }) => {
    const free = endsOfRows.findIndex((end) => end <= atMs);
    const row = free < 0 ? endsOfRows.length : free;
    endsOfRows[row] = toMs;
    return row;
  });
}

function axis(x: (ms: number) => number, fromMs: number, endMs: number, y: number): string {
  const stepMs = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000].find((step) => (endMs - fromMs) / step <= 20) ?? 600_000;
  const ticks: string[] = [];
  for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= endMs; ms += stepMs) {
    const label = stepMs >= 60_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
    ticks.push(
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${y}" y2="${y + 5}" class="tick"/><text x="${x(ms)}" y="${y + 18}" class="dim" text-anchor="middle">${label}</text>`,
    );
  }
  return `<line x1="${left}" x2="${width - right}" y1="${y}" y2="${y}" class="tick"/>${ticks.join('')}`;
}

/** How wide a column of the picture is: at most 200 of them, in steps of 100 ms. */
const binOf = (fromMs: number, endMs: number): number => Math.max(100, Math.ceil((endMs - fromMs) / 20_000) * 100);

/** Operations by the moment of their answer, stacked: acknowledged, refused, unknown. */
function clients(throughput: Throughput | null, x: (ms: number) => number, fromMs: number, endMs: number, top: number): string {
  const binMs = binOf(fromMs, endMs);
  const bins = Array.from({ length: Math.ceil((endMs - fromMs) / binMs) }, () => ({ ok: 0, failed: 0, unknown: 0 }));
  for (const outcome of ['ok', 'failed', 'unknown'] as const) {
    throughput?.[outcome].forEach((count, index) => {
      const bin = bins[Math.floor(((index + 0.5) * throughput.binMs - fromMs) / binMs)];
      if (bin) bin[outcome] += count;
    });
  }
  const some = bins.some(({ ok, failed, unknown }) => ok + failed + unknown > 0);
  const tallest = Math.max(1, ...bins.map(({ ok, failed, unknown }) => ok + failed + unknown));
  const bars = bins.map((bin, index) => {
    const atMs = fromMs + index * binMs;
    let y = top + 58;
    const stack = (['ok', 'failed', 'unknown'] as const).map((outcome) => {
      const high = (bin[outcome] / tallest) * 52;
      y -= high;
      return high === 0
        ? ''
        : `<rect x="${x(atMs)}" y="${y.toFixed(1)}" width="${Math.max(0.5, x(atMs + binMs) - x(atMs) - 0.5).toFixed(1)}" height="${high.toFixed(1)}" class="${outcome}"/>`;
    });
    return stack.join('') === ''
      ? ''
      : `<g><title>${escape(`${formatMs(atMs)}: ${bin.ok} ok, ${bin.failed} failed, ${bin.unknown} unknown in ${formatMs(binMs)}`)}</title>${stack.join('')}</g>`;
  });
  const none = !some ? `<text x="${left + 6}" y="${top + 48}" class="dim">no operation was recorded</text>` : '';
  return `<g class="clients"><text x="4" y="${top + 42}">clients</text><text x="4" y="${top + 56}" class="dim">${!some ? '' : `max ${tallest}`}<title>${escape(`at most ${tallest} operations in ${formatMs(binMs)}`)}</title></text>${bars.join('')}${none}</g>`;
}
