import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

/** The interpreter itself: what a name in PATH leads to may be a shell script that looks for it each time. */
export const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout?.trim() ?? '';

/** For a test that runs what the toolbox runs: it needs the same interpreter here. */
export const needsPython = ({ skip }: Pick<TestContext, 'skip'>): void => skip(python === '', 'there is no python3 on this machine');
