import type { GuardLink } from './guarded.ts';

/**
 * Lets go of everything, in this order, whatever fails on the way. A guard that is told farewell undoes nothing, so it is
 * told only when nothing failed; otherwise it does its work. Throws what failed.
 */
export async function partFrom(
  guard: Pick<GuardLink, 'farewell' | 'abandon'> | undefined,
  steps: readonly (() => unknown)[],
): Promise<void> {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 0) return guard?.farewell();
  guard?.abandon();
  throw errors.length === 1 ? errors[0] : new AggregateError(errors);
}
