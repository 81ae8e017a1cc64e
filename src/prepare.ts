import { messageOf, SlotquakeError } from './base/errors.ts';
import { ensureEngine } from './driver/engine.ts';
import { defaultEngine, resolveEngineImage, resolveToolboxImage } from './image.ts';

/** The part of the set-up that needs our dependencies: an engine that answers, and the images of a default run. */
try {
  await ensureEngine(console.log);
  await resolveToolboxImage(console.log);
  await resolveEngineImage(defaultEngine, console.log);
} catch (error) {
  console.error(`slotquake: ${error instanceof SlotquakeError ? error.message : `the set-up failed: ${messageOf(error)}`}`);
  process.exitCode = 3;
}
