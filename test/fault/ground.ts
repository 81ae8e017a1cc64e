import { afterAll, afterEach, beforeAll } from 'vitest';
import { ProvingGround } from './proving-ground.ts';

/** The one on which all tests of a file work, one after the other. */
export let ground: ProvingGround;

export async function renewGround(): Promise<void> {
  await ground[Symbol.asyncDispose]();
  ground = await ProvingGround.open();
}

/** Opens it before the tests of a file and closes it after them. What one of them has broken must not fail the next. */
export function keepGround(): void {
  beforeAll(async () => {
    ground = await ProvingGround.open();
  });
  afterAll(() => ground[Symbol.asyncDispose]());
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await renewGround();
  });
}
