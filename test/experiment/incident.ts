/** The lines that a replica writes about its link, by what they mean, in both vocabularies. */
const steps: readonly (readonly [step: string, pattern: RegExp])[] = [
  ['link lost', /Connection with (master|primary) lost\./],
  ['primary cached', /Caching the disconnected (master|primary) state\./],
  ['connecting', /(Connecting|Reconnecting) to (MASTER|PRIMARY) /],
  ['sync started', /(MASTER|PRIMARY) <-> (SLAVE|REPLICA) sync started/],
  ['connected', /Non blocking connect for SYNC fired the event\./],
  ['answered', /(Master|Primary) replied to PING, replication can continue/],
  ['asks for the rest', /Trying a partial resynchronization \(request /],
  ['has nothing to go on from', /Partial resynchronization not possible \(no cached (master|primary)\)/],
  ['full resync', /Full resync from (master|primary): /],
  ['cache discarded', /Discarding previously cached (master|primary) state\./],
  ['receiving', /(MASTER|PRIMARY) <-> (SLAVE|REPLICA) sync: receiving \d+ bytes from (master|primary)/],
  ['connection lost', /I\/O error trying to sync with (MASTER|PRIMARY): connection lost/],
];

/** What the lines of a log say of the link of replication, in order; other lines say nothing. */
export const stepsOf = (log: string): string[] =>
  log.split('\n').flatMap((line) => steps.filter(([, pattern]) => pattern.test(line)).map(([step]) => step));

/** What is in the log from when an established link was lost, which is where the incident begins. */
const sinceTheLoss = (log: string): string => log.slice(Math.max(0, log.search(/Connection with (master|primary) lost\./)));

const attempt = ['connecting', 'sync started', 'connected', 'answered'];
const broken = ['receiving', 'connection lost'];
/** The incident as it was written down in 2022, of an engine before 7.0: the first round, and every one after it. */
export const incident = {
  first: ['link lost', 'primary cached', ...attempt, 'asks for the rest', 'full resync', 'cache discarded', ...broken],
  again: [...attempt, 'has nothing to go on from', 'full resync', ...broken],
};
/**
 * From 7.0 on a replica keeps what it cached until the snapshot is there (replication.c replicaTryPartialResynchronization),
 * so that it asks for the rest in every round and discards in the last.
 */
export const incidentFrom7 = {
  first: incident.first.filter((step) => step !== 'cache discarded'),
  again: incident.again.map((step) => (step === 'has nothing to go on from' ? 'asks for the rest' : step)),
};

/** The rounds that a log shows before anything else happens. */
export function rounds(log: string, { first, again }: typeof incident): number {
  const found = stepsOf(sinceTheLoss(log));
  const begins = (at: number, wanted: readonly string[]): boolean => wanted.every((step, index) => found[at + index] === step);
  if (!begins(0, first)) return 0;
  let count = 1;
  while (begins(first.length + (count - 1) * again.length, again)) count++;
  return count;
}
