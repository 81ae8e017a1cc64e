import { UsageError } from '../base/errors.ts';
import { dockerDriver } from '../driver/docker.ts';
import { faultsInForce, healByHand } from '../hand.ts';

/** Removes a cluster of `up` or `run --keep`; without a name, the only one there is. */
export async function down(runId: string | undefined): Promise<void> {
  const driver = await dockerDriver();
  const kept = (await driver.leftovers()).filter((leftover) => leftover.kept);
  const names = kept.map((leftover) => leftover.runId);
  const chosen = runId ?? (names.length === 1 ? names[0] : undefined);
  if (chosen === undefined || !names.includes(chosen))
    throw new UsageError(
      names.length === 0
        ? 'there is no kept cluster to remove'
        : `expected one of the kept clusters ${names.join(', ')}, got ${runId ?? 'no name'}`,
    );
  const hosts = await driver.adopt(chosen);
  // Whoever holds a fault there is told, so that it does not look for its containers afterwards. What cannot be healed goes all the same.
  for (const fault of (await faultsInForce(hosts).catch(() => [])).toReversed()) await healByHand(hosts, fault).catch(() => {});
  await hosts.remove();
  console.log(`removed ${chosen}`);
}
