import { tmpdir } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/draw/sequencer.ts';

// Tests start hundreds of processes of ours, some of them without the command line, which does this by itself.
const env = { NODE_COMPILE_CACHE: path.join(tmpdir(), 'node-compile-cache') };

const containers = {
  runner: './test/draw/runner.ts',
  // Bounds for what never comes: others may keep both processors busy.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  maxConcurrency: 2,
  env,
};
const timed = ['traffic', 'netem'].map((name) => `test/${name}.cluster.test.ts`);

export default defineConfig({
  test: {
    reporters: ['default', './test/tally.ts'],
    // A failure must say what came, also to those who read its first line only.
    chaiConfig: { truncateThreshold: 1_000 },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{process,browser,cluster}.test.ts', 'test/installation/*'],
          // No test leaves anything behind in a module, so that all of them may share what was loaded.
          isolate: false,
          // They take seconds, and more on a machine that does other things as well.
          testTimeout: 30_000,
          maxWorkers: 2,
        },
      },
      // The command line as a process of its own, without containers.
      { test: { name: 'process', include: ['test/**/*.process.test.ts'], testTimeout: 30_000, env } },
      {
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          globalSetup: ['test/browser.setup.ts'],
          hookTimeout: 60_000,
          testTimeout: 60_000,
        },
      },
      // Real containers: these wait four fifths of their time, so that two files go on at a time.
      {
        test: {
          ...containers,
          name: 'cluster',
          include: ['test/**/*.cluster.test.ts', 'test/installation/*.test.ts'],
          exclude: timed,
          maxWorkers: 2,
          sequence: { groupOrder: 1, sequencer: LongestFirst },
        },
      },
      // These measure how long something takes, so that nothing goes on beside them.
      { test: { ...containers, name: 'timed', include: timed, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
