// @ts-check
// Plain JavaScript: a Node below the floor may not read TypeScript, nor the syntax of what is imported here only when it is needed.
import module from 'node:module';
import { refusal } from './floor.js';

const refused = refusal(process.version);
if (refused === null) {
  // What is loaded from here on, also by the guard and the runs that `catalogue` and `audit` start, need not be compiled each time.
  const { directory } = module.enableCompileCache();
  if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] = directory;
  await import('./cli/program.ts');
} else {
  console.error(`slotquake: ${refused}`);
  // As for every prerequisite that is missing.
  process.exitCode = 3;
}
