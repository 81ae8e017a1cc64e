/**
 * Runs all of them and waits for every one, also when some fail, then throws what failed.
 * Promise.all would return at the first failure and let late steps land after their own undo.
 */
export async function together<T, R>(items: Iterable<T>, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled([...items].map(async (item, index) => work(item, index)));
  // What failed for one and the same reason failed once.
  const failures = [...new Set(settled.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown))];
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures);
  return settled.map((result) => (result as PromiseFulfilledResult<R>).value);
}
