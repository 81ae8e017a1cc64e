import path from 'node:path';
import { type RunnerTask, type RunnerTestCase, type RunnerTestFile, TestRunner } from 'vitest';
import { packageRoot } from '../../src/version.ts';
import { rotated } from './choose.ts';
import { draw } from './drawn.ts';

declare module 'vitest' {
  interface TaskMeta {
    notDrawn?: boolean;
  }
}

/** Passes over the tests of a file that were not drawn, and over what only they would have set up. */
export default class DrawnRunner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    for (const file of files) {
      const wish = draw?.files[path.relative(packageRoot, file.filepath)];
      if (!draw || !wish) continue;
      const all: readonly RunnerTask[] = wish.of === 'tests' ? testsIn(file.tasks) : file.tasks;
      const chosen = rotated(all, wish.share, draw.seed).slice(0, Math.max(1, Math.ceil(wish.share * all.length)));
      const tests = new Set(chosen.flatMap((one) => testsIn([one])));
      for (const test of testsIn(file.tasks)) {
        if (tests.has(test) || test.mode === 'skip') continue;
        test.mode = 'skip';
        test.meta.notDrawn = true;
      }
      passOver(file.tasks);
    }
  }
}

const testsIn = (tasks: readonly RunnerTask[]): RunnerTestCase[] =>
  tasks.flatMap((task) => ('tasks' in task ? testsIn(task.tasks) : [task as RunnerTestCase]));

/** A group of which nothing is run is not set up either. */
function passOver(tasks: readonly RunnerTask[]): void {
  for (const task of tasks) {
    if (!('tasks' in task)) continue;
    passOver(task.tasks);
    if (task.tasks.every(({ mode }) => mode === 'skip')) task.mode = 'skip';
  }
}
