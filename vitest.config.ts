import { tmpdir } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';

// Tests start hundreds of processes of ours, some of them without the command line, which does this by itself.
const env = { NODE_COMPILE_CACHE: path.join(tmpdir(), 'node-compile-cache') };

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
          exclude: ['test/**/*.{process,browser,cluster}.test.ts'],
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
      // Real containers on few cores: one file after the other, so that timings mean something.
      {
        test: {
          name: 'cluster',
          include: ['test/**/*.cluster.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          maxConcurrency: 2,
          env,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
