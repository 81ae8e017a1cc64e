import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { usageIn } from '../../src/driver/container/usage.ts';

const stats = (memory: object, cpu: object): Docker.ContainerStats =>
  ({ memory_stats: memory, cpu_stats: cpu }) as unknown as Docker.ContainerStats;

const limited = { usage: 4_096, limit: 8_192 };
const throttled = (periods: object): object => ({ throttling_data: { throttled_time: 0, ...periods } });

describe('what a container uses', () => {
  it('is what its control group says', () => {
    expect(usageIn(stats(limited, throttled({ throttled_periods: 35 })))).toEqual({
      memoryBytes: 4_096,
      memoryLimitBytes: 8_192,
      throttledPeriods: 35,
    });
  });

  it('may be nothing', () => {
    expect(usageIn(stats({ usage: 0, limit: 8_192 }, throttled({ throttled_periods: 0 }))).throttledPeriods).toBe(0);
  });

  it.each([
    // As Docker 20.10 answered while the hierarchy of hugetlb was not mounted: no memory, and zeros that nobody counted.
    ['no memory', {}, throttled({ periods: 0, throttled_periods: 0 })],
    ['no usage', { limit: 8_192 }, throttled({ throttled_periods: 0 })],
    ['no limit', { usage: 4_096 }, throttled({ throttled_periods: 0 })],
    ['no throttling', limited, {}],
    ['no periods', limited, throttled({})],
  ])('is not made up where the container engine tells %s', (_, memory, cpu) => {
    expect(() => usageIn(stats(memory, cpu))).toThrow('the container engine tells no memory, no limit or no throttled periods');
  });
});
