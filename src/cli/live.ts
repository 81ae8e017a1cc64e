import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { formatMs } from '../base/duration.ts';
import { describe, notable } from '../report/describe.ts';
import { covered, isPrimary, ownLine } from '../timeline/claims.ts';
import { type EventOf, type Phase, phases, type TimelineEvent } from '../timeline.ts';

export interface Live {
  onEvent(event: TimelineEvent): void;
  end(): void;
}

type Style = Parameters<typeof styleText>[0];
type Segment = string | readonly [text: string, style: Style];

const redrawMs = 200;
const drawAtMostEveryMs = 100;

/** Progress while a run goes on: a picture that is redrawn in a terminal, plain lines elsewhere, nothing when quiet. */
export function live(title: string, quiet: boolean): Live {
  if (quiet) return { onEvent: () => {}, end: () => {} };
  const picture = new Picture(title);
  if (!process.stdout.isTTY) {
    console.log(title);
    return {
      onEvent: (event) => {
        picture.take(event);
        if (notable(event)) console.log(`${formatMs(event.atMs).padStart(9)}  ${flat(describe(event, picture.names))}`);
      },
      end: () => {},
    };
  }
  const update = createLogUpdate(process.stdout);
  const startedAt = performance.now();
  /** The run's clock: events set it, and it goes on where none comes. */
  let last = { atMs: 0, seenAt: startedAt };
  let drawnAt = 0;
  const draw = (): void => {
    drawnAt = performance.now();
    // Some terminals say 0.
    const columns = process.stdout.columns > 0 ? process.stdout.columns : 100;
    const rows = process.stdout.rows > 0 ? process.stdout.rows : 30;
    update(picture.lines(last.atMs + drawnAt - last.seenAt, columns, rows).join('\n'));
  };
  const timer = setInterval(draw, redrawMs).unref();
  return {
    onEvent: (event) => {
      last = { atMs: event.atMs, seenAt: performance.now() };
      picture.take(event);
      if (last.seenAt - drawnAt >= drawAtMostEveryMs) draw();
    },
    end: () => {
      clearInterval(timer);
      // What is printed next says all of this and more.
      update.clear();
      update.done();
    },
  };
}

interface NodeState {
  role: string;
  slots: number;
  state: string;
  link: string;
  /** Since when it gives no answer, or null while it does. */
  silentSinceMs: number | null;
  /** What it thinks of others, by their ids. */
  readonly suspects: Map<string, 'pfail' | 'fail'>;
}

type FaultState = { readonly name: string; readonly nodes: readonly string[]; state: string };

/** What is known of the run so far, and how it is drawn. */
export class Picture {
  readonly names = new Map<string, string>();
  readonly #title: string;
  readonly #nodes = new Map<string, NodeState>();
  readonly #faults = new Map<number, FaultState>();
  readonly #phases: EventOf<'phase-entered'>[] = [];
  readonly #recent: TimelineEvent[] = [];
  #waiting: EventOf<'waiting'> | undefined;
  /** What the run does beyond the plan of its phase. */
  #turn: string | undefined;

  constructor(title: string) {
    this.#title = title;
  }

  take(event: TimelineEvent): void {
    if (notable(event)) {
      this.#recent.push(event);
      if (this.#recent.length > 100) this.#recent.shift();
    }
    switch (event.type) {
      case 'phase-entered':
        this.#phases.push(event);
        this.#waiting = undefined;
        this.#turn = undefined;
        break;
      case 'waiting':
        this.#waiting = event;
        break;
      case 'noted':
        this.#waiting = undefined;
        break;
      case 'fault-injecting':
        this.#waiting = undefined;
        this.#faults.set(event.fault, { name: event.name, nodes: event.nodes, state: 'taking hold' });
        break;
      case 'fault-injected':
        this.#fault(event.fault, 'in force');
        break;
      case 'fault-effective':
        this.#fault(event.fault, 'bites');
        break;
      case 'fault-ineffective':
        this.#fault(event.fault, 'without effect');
        break;
      case 'fault-healing':
        this.#waiting = undefined;
        this.#fault(event.fault, 'healing');
        break;
      case 'heal-failed':
        this.#fault(event.fault, 'not healed');
        break;
      case 'fault-healed':
        this.#faults.delete(event.fault);
        break;
      case 'settled':
        this.#turn = `healthy after ${formatMs(event.afterMs)}; clients go on for a moment`;
        break;
      case 'not-settled':
        this.#turn = 'not healthy in time';
        break;
      case 'aborted':
      case 'step-missed':
      case 'harness-failed':
        this.#turn = 'stopping: healing and cleaning up';
        break;
      case 'observed':
        this.#observe(event);
        break;
      case 'probe-failed':
        this.#node(event.node).silentSinceMs ??= event.atMs;
        break;
      default:
        // The rest is told by the list of events.
        break;
    }
  }

  #fault(fault: number, state: string): void {
    const known = this.#faults.get(fault);
    if (known) known.state = state;
  }

  #node(name: string): NodeState {
    const node = this.#nodes.get(name) ?? { role: '', slots: 0, state: '', link: '', silentSinceMs: null, suspects: new Map() };
    this.#nodes.set(name, node);
    return node;
  }

  #observe(event: EventOf<'observed'>): void {
    const node = this.#node(event.node);
    node.silentSinceMs = null;
    if (event.probe === 'cluster-info') node.state = event.value.state;
    else if (event.probe === 'replication') node.link = event.value.link === undefined ? '' : `link ${event.value.link}`;
    else if (event.probe === 'topology') {
      node.suspects.clear();
      for (const { id, flags } of event.value) {
        if (flags.includes('fail')) node.suspects.set(id, 'fail');
        else if (flags.includes('fail?')) node.suspects.set(id, 'pfail');
      }
      const own = ownLine(event.value);
      if (!own) return;
      this.names.set(own.id, event.node).set(own.address, event.node);
      node.role = isPrimary(own) ? 'primary' : 'replica';
      node.slots = covered(own.slots);
    }
  }

  /** The picture at a moment on the run's clock, no wider than `columns` and no higher than `rows`. */
  lines(nowMs: number, columns: number, rows: number): string[] {
    const head: Segment[][] = [
      [[this.#title, 'bold']],
      this.#phaseLine(nowMs),
      [`  ${this.#countdown(nowMs)}`],
      [],
      ...[...this.#nodes.keys()].sort().map((name) => this.#nodeLine(name, nowMs)),
      [],
    ];
    const room = Math.max(3, Math.min(14, rows - head.length - 1));
    const tail = this.#recent
      .slice(-room)
      .map((event): Segment[] => [[`  ${formatMs(event.atMs).padStart(8)}  `, 'dim'], describe(event, this.names)]);
    return [...head, ...tail].map((line) => fit(line, columns - 1));
  }

  #phaseLine(nowMs: number): Segment[] {
    const line: Segment[] = [];
    for (const phase of phases) {
      const index = this.#phases.findIndex((entered) => entered.phase === phase);
      const entered = this.#phases[index];
      const ended = this.#phases[index + 1];
      const took = entered ? ` ${seconds((ended?.atMs ?? nowMs) - entered.atMs)}` : '';
      const style: Style = entered ? (ended ? 'green' : ['cyan', 'bold']) : 'dim';
      line.push(line.length > 0 ? ['  ›  ', 'dim'] : '  ', [`${phase}${took}`, style]);
    }
    return line;
  }

  #countdown(nowMs: number): string {
    const entered = this.#phases.at(-1);
    if (!entered) return '';
    if (this.#turn !== undefined) return this.#turn;
    const left = (fromMs: number, forMs: number): string => `${seconds(Math.max(0, fromMs + forMs - nowMs))} left of ${seconds(forMs)}`;
    const doing = this.#faults.size > 0 && entered.phase === 'disturb' ? 'disturbed' : doings[entered.phase];
    if (this.#waiting) {
      const { atMs, until, withinMs } = this.#waiting;
      return `${until === null ? 'letting time pass' : `waiting until ${until}`}: ${left(atMs, withinMs)}`;
    }
    return entered.withinMs === undefined ? doing : `${doing}: ${left(entered.atMs, entered.withinMs)}`;
  }

  #nodeLine(name: string, nowMs: number): Segment[] {
    const { role, slots, state, link, silentSinceMs } = this.#node(name);
    const id = [...this.names].find(([, known]) => known === name)?.[0] ?? '';
    const opinions = [...this.#nodes.values()].flatMap((other) => (other.silentSinceMs === null ? (other.suspects.get(id) ?? []) : []));
    const failedBy = opinions.filter((opinion) => opinion === 'fail').length;
    const suspectedBy = opinions.length - failedBy;
    const faults = [...this.#faults.values()].filter(({ nodes }) => nodes.includes(name));
    return [
      `  ${name.padEnd(8)} ${role.padEnd(8)}`,
      // A replica has no slots and a primary no link, so that one column does for both.
      [`  ${(role === 'primary' ? `${slots} slots` : link).padEnd(12)}`, link === 'link down' ? 'yellow' : 'dim'],
      silentSinceMs === null
        ? [state.padEnd(12), state === 'ok' ? 'green' : 'red']
        : [`silent ${seconds(nowMs - silentSinceMs)}`.padEnd(12), 'yellow'],
      ...faults.map(({ name: fault, state: how }): Segment => [`${fault} ${how}  `, 'magenta']),
      failedBy > 0 ? [`failed for ${failedBy} `, 'red'] : '',
      suspectedBy > 0 ? [`suspected by ${suspectedBy} `, 'yellow'] : '',
    ];
  }
}

const doings: Readonly<Record<Phase, string>> = {
  form: 'starting the nodes',
  steady: 'clients write and nothing is disturbed',
  disturb: 'disturbing',
  settle: 'waiting for a healthy cluster',
  verify: 'asking every node and reading every key back',
  judge: 'cleaning up and judging the record',
};

/** One decimal at any size, so that a countdown does not change its width with every digit. */
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** One line without control characters: what an engine logs must not steer the terminal. */
const flat = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ');

/** Segments cut to a width before they are styled, so that no line wraps. */
function fit(segments: readonly Segment[], columns: number): string {
  let room = columns;
  let result = '';
  for (const segment of segments) {
    const [written, style] = typeof segment === 'string' ? [segment, undefined] : segment;
    const text = flat(written);
    const cut = text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text;
    result += style === undefined ? cut : styleText(style, cut);
    room -= cut.length;
    if (cut.length < text.length || room <= 0) break;
  }
  return result;
}
