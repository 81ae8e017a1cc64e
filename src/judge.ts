import { messageOf } from './base/errors.ts';
import { type Finding, type Invariant, unknown, violated } from './invariant.ts';
import type { Consistency } from './consistency.ts';
import { type Measure, measure } from './timeline/measures.ts';
import type { Timeline } from './timeline/timeline.ts';

/** `as-expected`: exactly the expected symptom, or everything held. `inconclusive`: something stayed unknown. */
export type Verdict = 'as-expected' | 'not-as-expected' | 'inconclusive' | 'aborted' | 'harness-failed';

/** verdict.json */
export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence for a person. */
  readonly because: string;
  readonly findings: readonly {
    readonly invariant: string;
    readonly claim: string;
    readonly expected: 'held' | 'violated' | 'open';
    readonly finding: Finding;
  }[];
  readonly measures: readonly Measure[];
}

/** Asks every invariant of the record and compares with what the variant expects. Never sees a cluster. */
export function judge(timeline: Timeline, consistency: Consistency | null, invariants: readonly Invariant[]): Judgement {
  const findings = [...invariants, ...assertions(timeline)].map((invariant) => ({
    invariant: invariant.name,
    claim: invariant.claim,
    expected: timeline.run.expect[invariant.name] ?? ('held' as const),
    finding: ask(invariant, timeline, consistency),
  }));
  return { ...conclude(timeline, findings), findings, measures: measure(timeline, consistency?.service.shards ?? []) };
}

/** What the code of the experiment itself found wrong is a finding as good as any other. */
function assertions(timeline: Timeline): Invariant[] {
  const failed = timeline.of('assertion-failed');
  if (failed.length === 0) return [];
  return [
    {
      name: 'assertions',
      claim: 'What the experiment itself asserts is so.',
      check: () =>
        violated(
          failed.map(({ because }) => because).join('; '),
          failed.map(({ seq }) => seq),
        ),
    },
  ];
}

/** A check that throws has not passed: its answer is unknown. */
function ask(invariant: Invariant, timeline: Timeline, consistency: Consistency | null): Finding {
  try {
    return invariant.check(timeline, consistency);
  } catch (error) {
    return unknown(`the check itself failed: ${messageOf(error)}`);
  }
}

/** What makes a record say nothing, whatever invariants found in it; undefined where it is sound. */
export function flawOf(timeline: Timeline): Pick<Judgement, 'verdict' | 'because'> | undefined {
  const failed = timeline
    .of('heal-failed')
    .findLast(({ fault, seq }) => !timeline.of('fault-healed').some((healed) => healed.fault === fault && healed.seq > seq));
  if (failed) return { verdict: 'harness-failed', because: `a fault could not be healed: ${failed.because}` };
  const broken = timeline.of('harness-failed').at(-1);
  if (broken) return { verdict: 'harness-failed', because: broken.because };
  const aborted = timeline.of('aborted').at(-1);
  if (aborted) return { verdict: 'aborted', because: aborted.because };
  const missed = timeline.of('step-missed').at(-1);
  if (missed) return { verdict: 'inconclusive', because: missed.because };
  if (timeline.phaseAtMs('judge') === undefined) return { verdict: 'inconclusive', because: 'the record ends before the run did' };

  const injected = timeline.of('fault-injected');
  const idle = timeline
    .of('fault-injecting')
    .find(({ fault }) => !timeline.of('fault-effective').some((effective) => effective.fault === fault));
  if (idle) {
    const why =
      timeline.of('fault-ineffective').find(({ fault }) => fault === idle.fault)?.because ??
      (injected.length === 0 ? 'it never took hold' : 'nothing showed that it bites');
    return { verdict: 'inconclusive', because: `the fault had no effect: ${idle.name}, ${why}` };
  }
}

function conclude(timeline: Timeline, findings: Judgement['findings']): Pick<Judgement, 'verdict' | 'because'> {
  const flaw = flawOf(timeline);
  if (flaw) return flaw;
  const surprising = findings.filter(({ finding, expected }) => finding.outcome === 'violated' && expected === 'held');
  if (surprising.length > 0)
    return {
      verdict: 'not-as-expected',
      because: `violated: ${surprising.map(({ invariant, finding }) => `${invariant} (${finding.because})`).join('; ')}`,
    };
  if (findings.length === 0) return { verdict: 'inconclusive', because: 'no invariant was asked' };
  const symptomsWanted = Object.keys(timeline.run.expect).filter((name) => timeline.run.expect[name] === 'violated');
  const unasked = symptomsWanted.filter((name) => !findings.some(({ invariant }) => invariant === name));
  if (unasked.length > 0) return { verdict: 'inconclusive', because: `expected a symptom of ${unasked.join(', ')}, which was not asked` };
  const open = findings.filter(({ finding, expected }) => finding.outcome === 'unknown' && expected !== 'open');
  if (open.length > 0)
    return {
      verdict: 'inconclusive',
      because: `unknown: ${open.map(({ invariant, finding }) => `${invariant} (${finding.because})`).join('; ')}`,
    };
  const missing = findings.filter(({ finding, expected }) => finding.outcome === 'held' && expected === 'violated');
  if (missing.length > 0)
    return { verdict: 'not-as-expected', because: `symptom not reproduced: ${missing.map(({ invariant }) => invariant).join(', ')} held` };
  const symptoms = findings.filter(({ expected }) => expected === 'violated');
  if (symptoms.length > 0)
    return {
      verdict: 'as-expected',
      because: `exactly the expected symptom: ${symptoms.map(({ finding }) => finding.because).join('; ')}`,
    };
  const asked = findings.filter(({ expected }) => expected === 'held').length;
  const disturbed = timeline.of('fault-injecting').length + timeline.of('commanded').length > 0;
  return { verdict: 'as-expected', because: `all ${asked} invariants held${disturbed ? '' : '; nothing was done to the cluster'}` };
}
