import { dockerDriver } from '../driver/docker.ts';

/** Removes what crashed runs left, by label. Runs in progress and kept clusters stay, unless --all. */
export async function sweep({ dryRun, all }: { readonly dryRun: boolean; readonly all: boolean }): Promise<void> {
  const driver = await dockerDriver();
  const leftovers = await driver.leftovers();
  if (leftovers.length === 0) console.log('nothing is left over');
  for (const { runId, kept, inUse, resources } of leftovers) {
    const why = inUse && !all ? 'in use' : kept && !all ? 'kept' : null;
    const what = `${runId}: ${resources.map(({ kind, name }) => `${kind} ${name}`).join(', ')}`;
    if (why) console.log(`stays (${why})  ${what}`);
    else if (dryRun) console.log(`would remove  ${what}`);
    else {
      await (await driver.adopt(runId)).remove();
      console.log(`removed  ${what}`);
    }
  }
}
