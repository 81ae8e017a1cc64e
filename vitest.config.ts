import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/tally.ts'],
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.cluster.test.ts', 'test/**/*.browser.test.ts'] } },
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
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
