import { createHistogram } from 'node:perf_hooks';

/** How durations are spread. The maximum is exact, the others are within 0.1 % (an HDR histogram of microseconds). */
export interface Distribution {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const highestUs = 3_600_000_000;

/** Takes durations one by one in constant memory; of none at all there is no distribution. */
export function distribution(): { record(ms: number): void; result(): Distribution | null } {
  let histogram: ReturnType<typeof createHistogram> | undefined;
  let maxMs = 0;
  return {
    record(ms) {
      histogram ??= createHistogram({ lowest: 1, highest: highestUs, figures: 3 });
      maxMs = Math.max(maxMs, ms);
      // A histogram knows no zero: what took less than a microsecond counts as one.
      histogram.record(Math.min(highestUs, Math.max(1, Math.round(ms * 1000))));
    },
    result() {
      if (!histogram) return null;
      const all = histogram;
      const at = (percentile: number): number => Math.min(maxMs, all.percentile(percentile) / 1000);
      return { count: all.count, p50Ms: at(50), p90Ms: at(90), p99Ms: at(99), p999Ms: at(99.9), maxMs };
    },
  };
}
