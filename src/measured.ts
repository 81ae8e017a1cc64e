import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { jsonLines } from './base/json-lines.ts';
import type { Consistency } from './consistency.ts';
import type { Judgement } from './judge.ts';
import type { EngineInfo } from './timeline.ts';

/** What was recorded of one variant on one engine, an entry of experiments/measured.json. */
export interface Measured {
  readonly experiment: string;
  readonly variant: string;
  /** As `--engine` names it, and the version that it turned out to be. */
  readonly engine: string;
  readonly version: string;
  /** Of the experiment's file: what is counted together was the same experiment. */
  readonly digest: string;
  /** How often it was run since the file was last changed, and how often it was as expected. */
  readonly runs: number;
  readonly asExpected: number;
  /** The rest is of the last run. */
  readonly seed: number;
  readonly verdict: string;
  readonly because: string;
  readonly tookMs: number;
  /** Numbers by what they are, such as `failover`, in the unit that their name says. */
  readonly figures: Readonly<Record<string, number>>;
  /** What was seen when the engine's own --cluster check was compared; empty where both found all well. */
  readonly clusterCheck: string;
}

export const measuredFile = new URL('../experiments/measured.json', import.meta.url);

export const allMeasured = (): Measured[] =>
  existsSync(measuredFile) ? (JSON.parse(readFileSync(measuredFile, 'utf8')) as Measured[]) : [];

/** Of those the ones whose experiment is still the same file: what an earlier one showed is kept, and told nowhere. */
export const presentMeasured = (): Measured[] =>
  [...Map.groupBy(allMeasured(), ({ experiment }) => experiment)].flatMap(([experiment, entries]) => {
    const present = digestOf(experiment);
    return entries.filter(({ digest }) => digest === present);
  });

const keyOf = ({ experiment, variant, engine }: Pick<Measured, 'experiment' | 'variant' | 'engine'>): string =>
  `${experiment} ${variant} ${engine}`;

/** Adds a run to what is known of its variant on its engine: counted with the others of the same experiment, or in their place. */
export function withRun(known: readonly Measured[], run: Measured): Measured[] {
  const before = known.find((entry) => keyOf(entry) === keyOf(run));
  const same = before?.digest === run.digest && before.version === run.version ? before : undefined;
  const entry = { ...run, runs: (same?.runs ?? 0) + run.runs, asExpected: (same?.asExpected ?? 0) + run.asExpected };
  return [...known.filter((other) => other !== before), entry].toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
}

/** Keeps a run in experiments/measured.json. One that is killed meanwhile loses no more than this run. */
export function keepMeasured(run: Measured): void {
  const fresh = new URL(`${measuredFile.href}.new`);
  writeFileSync(fresh, jsonLines(withRun(allMeasured(), run)));
  renameSync(fresh, measuredFile);
}

/** The figures of a run that people compare, as far as there are any. */
export function figuresOf({ measures }: Judgement, consistency: Consistency | null): Record<string, number> {
  const measured = (name: string): number | null => measures.find((measure) => measure.name === name)?.measuredMs ?? null;
  const gaps = consistency?.service.shards.flatMap(({ writeGapMs }) => writeGapMs ?? []) ?? [];
  const figures = {
    detectionMs: measured('detection'),
    failoverMs: measured('failover'),
    healthyAfterMs: measured('rejoin'),
    writeGapMs: gaps.length > 0 ? Math.round(Math.max(...gaps)) : null,
    lostWrites: consistency ? consistency.loss.losses.lost : null,
  };
  return Object.fromEntries(Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== null));
}

/** Null where the file is not there: the experiment has another name now, or this is the package, which has none of the sources. */
function digestOf(experiment: string): string | null {
  const file = new URL(`../experiments/${experiment}.ts`, import.meta.url);
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12) : null;
}

/** Whether runs of these experiments can be recorded: the package can run them, but has no sources to bind the figures to. */
export const canRecord = (experiments: readonly string[]): boolean => experiments.every((name) => digestOf(name) !== null);

/** What is kept of one run: read from its folder. Throws where something of that is not there. */
export function measuredOf(folder: string, engine: string, tookMs: number): Measured {
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  const judgement = read('verdict.json') as Judgement;
  const run = read('run.json') as { experiment: string; variant: string; seed: number; engine: EngineInfo };
  const consistency = existsSync(path.join(folder, 'consistency.json')) ? (read('consistency.json') as Consistency) : null;
  const check = judgement.findings.find(({ invariant }) => invariant === 'cluster-check-agrees')?.finding.because ?? '';
  return {
    experiment: run.experiment,
    variant: run.variant,
    engine,
    version: run.engine.version,
    digest: digestOf(run.experiment) ?? '',
    runs: 1,
    asExpected: judgement.verdict === 'as-expected' ? 1 : 0,
    seed: run.seed,
    verdict: judgement.verdict,
    because: judgement.because.slice(0, 400),
    tookMs: Math.round(tookMs),
    figures: figuresOf(judgement, consistency),
    clusterCheck: check === 'both find all well' ? '' : check.slice(0, 300),
  };
}
