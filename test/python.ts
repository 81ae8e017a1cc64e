import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

const missing = spawnSync('python3', ['-c', '']).status !== 0;

/** For a test that runs what the toolbox runs: it needs the same interpreter here. */
export const needsPython = ({ skip }: Pick<TestContext, 'skip'>): void => skip(missing, 'there is no python3 on this machine');
