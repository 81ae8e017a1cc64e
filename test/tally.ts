import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

/** What a run of vitest came to. */
export interface Tally {
  readonly passed: number;
  readonly failures: readonly string[];
  /** Tests that could not be asked here. */
  readonly skipped: readonly Skipped[];
  /** How many were passed over because they were not drawn. */
  readonly notDrawn: number;
  /** By file, and by the group at its top that a test belongs to. */
  readonly groups: readonly Group[];
}

export interface Skipped {
  readonly file: string;
  readonly reason: string;
}

export interface Group {
  readonly file: string;
  readonly name: string;
  /** Whether every test of it was run, and none failed. */
  readonly passed: boolean;
  readonly seconds: number;
  /** What its file took, with all that was set up. */
  readonly fileSeconds: number;
}

/** Says in the last lines what failed and what was counted, for people and machines that read only those. */
export default class Tallying implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string): TestCase[] => tests.filter((test) => test.result().state === state);
    const skipped = inState('skipped').filter((test) => !test.meta().notDrawn);
    const tally: Tally = {
      passed: inState('passed').length,
      failures: [
        // What broke outside every test fails the run as well, and must not hide behind a zero.
        ...unhandled.map(({ message }) => `outside of every test: ${message}`),
        ...inState('failed').map((test) => `${test.module.relativeModuleId}: ${test.fullName}: ${test.result().errors?.[0]?.message}`),
        // A file that could not be loaded has no tests, and has failed all the same.
        ...modules
          .filter((module) => module.state() === 'failed' && [...module.children.allTests('failed')].length === 0)
          .map((module) => `${module.relativeModuleId}: ${module.errors()[0]?.message ?? 'a hook failed'}`),
      ].map((failure) => failure.replace(/\s+/g, ' ').slice(0, 500)),
      skipped: skipped.map((test) => ({ file: test.module.relativeModuleId, reason: reasonOf(test) })),
      notDrawn: inState('skipped').length - skipped.length,
      groups: groupsOf(tests),
    };
    const file = process.env['SLOTQUAKE_TALLY'];
    // Whoever wants it as a file says it all together with what else was run.
    if (file) writeFileSync(file, JSON.stringify(tally));
    else process.on('exit', () => console.log(textOf(tally).join('\n')));
  }
}

/** The end of what a run of tests says. */
export function textOf({ passed, failures, skipped }: Pick<Tally, 'passed' | 'failures' | 'skipped'>): string[] {
  const why = Map.groupBy(skipped, ({ file, reason }) => `${file}: ${reason}`);
  return [
    ...[...why].map(([reason, tests]) => `skipped: ${tests.length} of ${reason}`),
    ...failures.map((failure) => `failed: ${failure}`),
    `${passed} passed, ${failures.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  ];
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  return ('note' in result && result.note) || 'no reason is given';
}

function groupsOf(tests: readonly TestCase[]): Group[] {
  const topOf = (test: TestCase): string => {
    let name = test.name;
    for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) name = parent.name;
    return name;
  };
  const byGroup = Map.groupBy(tests, (test) => `${test.module.relativeModuleId}\n${topOf(test)}`);
  return [...byGroup].map(([key, those]) => {
    const [file = '', name = ''] = key.split('\n');
    return {
      file,
      name,
      passed: those.every((test) => test.result().state === 'passed'),
      fileSeconds: (those[0]?.module.diagnostic().duration ?? 0) / 1_000,
      seconds: Math.ceil(those.reduce((sum, test) => sum + (test.diagnostic()?.duration ?? 0), 0) / 1_000),
    };
  });
}
