import type Docker from 'dockerode';
import { SlotquakeError } from '../../base/errors.ts';
import type { HostUsage } from '../../driver.ts';

/**
 * What the container engine tells of a container's control group. Throws a SlotquakeError where it tells nothing: a
 * zero in its place would pass for a node that is not held back. It tells nothing of a container that has ended, and
 * of none at all while the kernel has a controller that is not mounted: Docker 20.10 then answers with empty objects.
 */
export function usageIn({ memory_stats: memory, cpu_stats: cpu }: Docker.ContainerStats): HostUsage {
  const { usage, limit } = memory;
  const throttledPeriods = cpu.throttling_data?.throttled_periods;
  if (usage === undefined || limit === undefined || throttledPeriods === undefined)
    throw new SlotquakeError(
      'the container engine tells no memory, no limit or no throttled periods of the container; ' +
        'it has ended, or /proc/cgroups of the machine names a controller with a hierarchy that is not mounted: mount it',
    );
  return { memoryBytes: usage, memoryLimitBytes: limit, throttledPeriods };
}
