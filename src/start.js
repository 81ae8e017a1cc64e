// @ts-check
// Plain JavaScript: a Node below the floor may not read TypeScript, nor the syntax of what is imported here only when it is needed.
import { refusal } from './floor.js';

const refused = refusal(process.version);
if (refused === null) await import('./cli/program.ts');
else {
  console.error(`slotquake: ${refused}`);
  // As for every prerequisite that is missing.
  process.exitCode = 3;
}
