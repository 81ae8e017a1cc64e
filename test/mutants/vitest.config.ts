import { defineConfig } from 'vitest/config';
import stryker from './stryker.config.json' with { type: 'json' };

/** The tests of the files that are mutated: those of the same name. */
export default defineConfig({
  test: { include: stryker.mutate.map((file) => file.replace(/^src\/(.*)\.ts$/, 'test/$1.test.ts')) },
});
