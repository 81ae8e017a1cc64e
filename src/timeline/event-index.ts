import type { EventOf, Happening, TimelineEvent } from '../timeline.ts';
import type { ProbeName } from './observation.ts';
import { Series } from './series.ts';

type Answer = EventOf<'observed'>;

interface OfNode {
  readonly answers: Series<Answer>;
  /** It gave no answer when it was asked last. */
  silent: boolean;
}

interface OfProbe {
  readonly answers: Series<Answer>;
  readonly nodes: Map<string, OfNode>;
}

/** Where in a record the events of each kind are. Each question takes up only what was recorded since the last one. */
export class EventIndex {
  readonly #events: readonly TimelineEvent[];
  readonly #types = new Map<Happening['type'], TimelineEvent[]>();
  readonly #probes = new Map<ProbeName, OfProbe>();
  #known = 0;

  constructor(events: readonly TimelineEvent[]) {
    this.#events = events;
  }

  of<T extends Happening['type']>(type: T): readonly EventOf<T>[] {
    this.#catchUp();
    return (this.#types.get(type) ?? []) as EventOf<T>[];
  }

  /** All answers to one probe, of one node or of all; undefined where nobody was asked. */
  answers(probe: ProbeName, node?: string): Series<Answer> | undefined {
    this.#catchUp();
    const asked = this.#probes.get(probe);
    return node === undefined ? asked?.answers : asked?.nodes.get(node)?.answers;
  }

  /** The last answer of each node to one probe, but for those that gave none when they were asked last. */
  latest(probe: ProbeName): Map<string, Answer> {
    this.#catchUp();
    const found = new Map<string, Answer>();
    for (const [node, { answers, silent }] of this.#probes.get(probe)?.nodes ?? []) {
      const last = answers.all.at(-1);
      if (last && !silent) found.set(node, last);
    }
    return found;
  }

  #catchUp(): void {
    for (; this.#known < this.#events.length; this.#known++) this.#add(this.#events[this.#known] as TimelineEvent);
  }

  #add(event: TimelineEvent): void {
    const alike = this.#types.get(event.type);
    if (alike) alike.push(event);
    else this.#types.set(event.type, [event]);
    if (event.type !== 'observed' && event.type !== 'probe-failed') return;

    let asked = this.#probes.get(event.probe);
    if (!asked) this.#probes.set(event.probe, (asked = { answers: new Series(), nodes: new Map() }));
    let node = asked.nodes.get(event.node);
    if (!node) asked.nodes.set(event.node, (node = { answers: new Series(), silent: false }));
    node.silent = event.type === 'probe-failed';
    if (event.type !== 'observed') return;
    asked.answers.add(event);
    node.answers.add(event);
  }
}

const indices = new WeakMap<readonly TimelineEvent[], EventIndex>();

/** The index of these events, the same for everybody who reads them. Events may be added to them later, and nothing else. */
export function indexOf(events: readonly TimelineEvent[]): EventIndex {
  let index = indices.get(events);
  if (!index) indices.set(events, (index = new EventIndex(events)));
  return index;
}
