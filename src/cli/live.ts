import { styleText } from 'node:util';
import logUpdate from 'log-update';
import { formatMs } from '../base/duration.ts';
import { describe, notable } from '../report/html.ts';
import { covered, isPrimary, ownLine } from '../timeline/claims.ts';
import type { TimelineEvent } from '../timeline.ts';

export interface Live {
  onEvent(event: TimelineEvent): void;
  end(): void;
}

interface NodeState {
  role: string;
  slots: number;
  state: string;
  link: string;
  answers: boolean;
}

/** Progress while a run goes on: a picture that is redrawn in a terminal, plain lines elsewhere, nothing when quiet. */
export function live(title: string, quiet: boolean): Live {
  if (quiet) return { onEvent: () => {}, end: () => {} };
  if (!process.stdout.isTTY) {
    console.log(title);
    return {
      onEvent: (event) => {
        if (notable(event)) console.log(`${formatMs(event.atMs).padStart(9)}  ${describe(event)}`);
      },
      end: () => {},
    };
  }
  const nodes = new Map<string, NodeState>();
  const recent: string[] = [];
  let phase = { name: 'form', sinceMs: 0 };
  let nowMs = 0;
  const draw = (): void => {
    const rows = [...nodes].sort(([a], [b]) => a.localeCompare(b)).map(([name, node]) => {
      const colour = !node.answers ? 'dim' : node.state === 'ok' ? 'green' : 'red';
      return `  ${name.padEnd(9)} ${node.role.padEnd(8)} ${String(node.slots || '').padStart(6)}  ${styleText(colour, node.answers ? node.state.padEnd(5) : 'silent')} ${node.link}`;
    });
    logUpdate(
      [
        `${styleText('bold', title)}  ${styleText('cyan', phase.name)} ${formatMs(nowMs - phase.sinceMs)}`,
        ...rows,
        ...recent.map((line) => styleText('dim', `  ${line.slice(0, Math.max(20, (process.stdout.columns ?? 100) - 4))}`)),
      ].join('\n'),
    );
  };
  let drawnAtMs = 0;
  return {
    onEvent: (event) => {
      nowMs = event.atMs;
      if (event.type === 'phase-entered') phase = { name: event.phase, sinceMs: event.atMs };
      else if (event.type === 'observed') {
        const node = nodes.get(event.node) ?? { role: '', slots: 0, state: '', link: '', answers: true };
        nodes.set(event.node, node);
        node.answers = true;
        if (event.probe === 'cluster-info') node.state = event.value.state;
        else if (event.probe === 'replication') node.link = event.value.link === undefined ? '' : `link ${event.value.link}`;
        else if (event.probe === 'topology') {
          const own = ownLine(event.value);
          node.role = own && isPrimary(own) ? 'primary' : 'replica';
          node.slots = covered(own?.slots ?? []);
        }
      } else if (event.type === 'probe-failed') {
        const node = nodes.get(event.node);
        if (node) node.answers = false;
      }
      if (notable(event)) {
        recent.push(`${formatMs(event.atMs).padStart(8)}  ${describe(event)}`);
        if (recent.length > 6) recent.shift();
      }
      if (nowMs - drawnAtMs < 100) return;
      drawnAtMs = nowMs;
      draw();
    },
    end: () => {
      draw();
      logUpdate.done();
    },
  };
}
