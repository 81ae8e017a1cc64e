import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** Says in the last lines what failed and what was counted, for people and machines that read only those. */
export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    // What broke outside every test fails the run as well, and must not hide behind a zero.
    const count = { passed: 0, failed: unhandled.length, skipped: 0 };
    const left = new Map<string, number>();
    const failures = unhandled.map(({ message }) => `outside of every test: ${message}`);
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        const { state } = result;
        if (result.state === 'skipped') {
          const reason = `${module.relativeModuleId}: ${result.note ?? 'no reason is given'}`;
          left.set(reason, (left.get(reason) ?? 0) + 1);
        }
        if (state === 'passed' || state === 'failed' || state === 'skipped') count[state]++;
        if (state === 'failed') failures.push(`${module.relativeModuleId}: ${test.fullName}: ${test.result().errors?.[0]?.message}`);
      }
      // A file that could not be loaded has no tests, and has failed all the same.
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) {
        count.failed++;
        failures.push(`${module.relativeModuleId}: ${module.errors()[0]?.message ?? 'a hook failed'}`);
      }
    }
    process.on('exit', () => {
      for (const failure of failures) console.log(`failed: ${failure.replace(/\s+/g, ' ').slice(0, 500)}`);
      for (const [reason, tests] of left) console.log(`skipped: ${tests} of ${reason}`);
      console.log(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`);
    });
  }
}
