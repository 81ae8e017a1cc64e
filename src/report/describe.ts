import { formatMs } from '../base/duration.ts';
import type { Judgement } from '../judge.ts';
import type { TopologyView } from '../timeline/observation.ts';
import type { RunInfo, TimelineEvent } from '../timeline.ts';

/** What the ids and addresses in engine logs are called by people. */
export type Names = ReadonlyMap<string, string>;

export const namesOf = (run: RunInfo): Names =>
  new Map(run.nodes.flatMap(({ id, address, name }) => [[id, name] as const, [address, name]]));

const stamp = /^\d+:[A-Z] \d{1,2} [A-Z][a-z]{2} \d{4} [\d:]{8}\.\d{3} [.*#-] /;
/** A node by its id, with the human name that Redis 7.2 put behind it in brackets, or by its address. */
const mention = /(?:\bnode )?\b([0-9a-f]{40}|\d{1,3}(?:\.\d{1,3}){3}:\d{1,5})\b(?: \(([^()]*)\))?/gi;

/** An engine's line without its process, date and level, and with node names for ids. For display; the record keeps it raw. */
export function engineText(text: string, names: Names): string {
  return text.replace(stamp, '').replace(mention, (whole, key: string, human: string | undefined) => {
    const name = names.get(key);
    const isId = key.length === 40;
    if (name === undefined) return isId ? whole.replace(key, `${key.slice(0, 8)}…`) : whole;
    return human === undefined || isId ? name : `${name} (${human})`;
  });
}

/** How an answer stands to what the variant expects; empty where it must hold. */
export function remarkOn({ finding, expected }: Pick<Judgement['findings'][number], 'finding' | 'expected'>): string {
  if (expected === 'held') return '';
  if (expected === 'open') return 'not judged here: chance decides';
  return finding.outcome === 'violated' ? 'the expected symptom' : 'expected to be violated';
}

/** Events that tell the story; observations are its raw material. */
export const notable = (event: TimelineEvent): boolean => event.type !== 'observed' && event.type !== 'probe-failed';

const are = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? ' is' : 's are'}`;

/** The others as one node sees them. */
const seenBy = (view: TopologyView, names: Names): string =>
  `sees ${view
    .map(({ id, flags, slots }) => {
      const ranges = slots.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`));
      return [names.get(id) ?? `${id.slice(0, 8)}…`, flags.join(','), ...ranges].join(' ');
    })
    .toSorted()
    .join('; ')}`;

/** An event in one line for a person. */
export function describe(event: TimelineEvent, names: Names): string {
  switch (event.type) {
    case 'phase-entered':
      return `phase: ${event.phase}`;
    case 'waiting':
      return event.until === null
        ? `letting ${formatMs(event.withinMs)} pass`
        : `waiting up to ${formatMs(event.withinMs)} until ${event.until}`;
    case 'fault-injecting':
      return `fault ${event.fault}: ${event.name} at ${event.nodes.join(', ')}`;
    case 'fault-effective':
      return `fault ${event.fault} bites: ${event.evidence.join('; ')}`;
    case 'fault-injected':
    case 'fault-healing':
    case 'fault-healed':
      return `fault ${event.fault} ${event.type.slice('fault-'.length)}`;
    case 'fault-ineffective':
      return `fault ${event.fault} had no effect: ${event.because}`;
    case 'heal-failed':
      return `fault ${event.fault} could not be healed: ${event.because}`;
    case 'log-line':
      return `${event.node}  ${engineText(event.text, names)}`;
    case 'container-exited':
      return `${event.node}  exited with code ${event.exitCode}`;
    case 'workload-stopped':
      return `clients stopped: ${event.ok} operations ok, ${event.failed} failed, ${event.unknown} unknown${event.redirects ? `; redirected ${event.redirects} times` : ''}`;
    case 'read-back':
      return `read back ${event.keys} keys: ${are(event.unreadable, 'key')} unreadable`;
    case 'errors-counted':
      return event.replies === null
        ? 'the engines do not count their error replies'
        : `error replies of all engines: ${
            Object.entries(event.replies)
              .map(([kind, count]) => `${count} ${kind}`)
              .join(', ') || 'none'
          }`;
    case 'settled':
      return `healthy ${formatMs(event.afterMs)} after the last heal`;
    case 'not-settled':
      return `not healthy: ${event.lacking.join('; ')}`;
    case 'aborted':
      return `aborted: ${event.because}`;
    case 'assertion-failed':
      return event.because;
    case 'step-missed':
      return `the run tells nothing: ${event.because}`;
    case 'harness-stalled':
      return `the harness stood still for ${formatMs(event.forMs)}: this machine has too much else to do`;
    case 'harness-failed':
      return `the harness failed: ${event.because}`;
    case 'commanded':
      return `${event.node}  operator: ${event.command} → ${event.answer.split('\n')[0]}${event.failed ? ' (failed)' : ''}`;
    case 'member-renamed':
      return `${event.node}  is a member under another id from here on: ${event.id.slice(0, 8)}…`;
    case 'cluster-checked':
      return `--cluster check at ${event.node}: ${event.unasked ?? (event.objections.join('; ') || 'all well')}`;
    case 'noted':
      return event.text;
    case 'observed':
      return `${event.node}  ${event.probe === 'topology' ? seenBy(event.value, names) : `${event.probe}: ${engineText(JSON.stringify(event.value), names).slice(0, 300)}`}`;
    case 'probe-failed':
      return `${event.node}  no answer to ${event.probe}: ${event.because}`;
    default:
      // A record of another version of Slotquake may know more.
      return JSON.stringify(event);
  }
}
