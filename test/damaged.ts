import fc from 'fast-check';

/** A text of which a few pieces were replaced, dropped or put in elsewhere: nearly what it was. */
export const damaged = (text: string, pieces: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.nat(text.length - 1), fc.nat(12), fc.oneof(fc.constantFrom('', ...pieces), fc.string({ maxLength: 3 }))), {
      minLength: 1,
      maxLength: 4,
    })
    .map((changes) => changes.reduce((whole, [at, length, piece]) => whole.slice(0, at) + piece + whole.slice(at + length), text));

/** What it returns, or the error that it throws. */
export function attempt<T>(deed: () => T): T | Error {
  try {
    return deed();
  } catch (error) {
    return error as Error;
  }
}
