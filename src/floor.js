// @ts-check
// Plain JavaScript without imports, in syntax of long ago: an old Node must be able to read it.

/** The oldest Node on which everything works: the first that knows `using` and reads TypeScript without a warning. */
export const floor = '24.3';

/** @param {string} version */
export function isCurrent(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = floor.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/**
 * What a person is told on a Node of this version; null where nothing is wrong with it.
 * @param {string} version
 */
export const refusal = (version) =>
  isCurrent(version)
    ? null
    : `expected Node ${floor} or later, got ${version}; install a current one, or in a checkout run \`npm run setup\`, which puts one beside it for \`npm run slotquake\``;
