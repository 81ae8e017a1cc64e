import { UsageError } from './errors.ts';

/** What people write: a number with its unit, such as '250ms', '1.5s', '2m'. Below the surface it is milliseconds. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h'}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of a written duration. Throws a UsageError that names the value and shows the form. */
export function parseDuration(text: unknown, what = 'a duration'): number {
  const parts = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim()) : null;
  if (!parts) throw new UsageError(`expected ${what} such as '250ms', '30s' or '2m', got ${JSON.stringify(text) ?? String(text)}`);
  return Number(parts[1]) * unitMs[parts[2] as keyof typeof unitMs];
}

/** A duration for people: '84 ms', '3.2 s', '2 min 5 s'. */
export function formatMs(ms: number): string {
  if (Math.abs(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.abs(ms) < 60_000) return `${(ms / 1_000).toFixed(Math.abs(ms) < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
