import type { Variant } from './experiment.ts';
import type { Workload } from './workload.ts';

/** Settings of the engine's own means: a primary refuses writes when fewer replicas have been heard of within the lag. */
const minReplicas = { 'min-replicas-to-write': 1, 'min-replicas-max-lag': 1 };

/**
 * One wound with neither, one and both of the engine's means against losing acknowledged writes: WAIT of the client, and
 * min-replicas-to-write of the primary. Scaled: a lag of 1 s, the least there is, instead of 10 s.
 */
export function safeties(
  workload: (options: { wait: number }) => Workload,
  own: Readonly<Partial<Record<'wounded' | 'wait' | 'min-replicas' | 'cured', Variant>>> = {},
): Record<'wounded' | 'wait' | 'min-replicas' | 'cured', Variant> {
  return {
    wounded: { about: 'the engine as it comes', workload: workload({ wait: 0 }), ...own.wounded },
    wait: { about: 'clients ask for WAIT 1 after each write', workload: workload({ wait: 1 }), ...own.wait },
    'min-replicas': {
      about: 'a primary that no replica follows refuses writes',
      workload: workload({ wait: 0 }),
      config: minReplicas,
      ...own['min-replicas'],
    },
    cured: { about: 'both', workload: workload({ wait: 1 }), config: minReplicas, ...own.cured },
  };
}
