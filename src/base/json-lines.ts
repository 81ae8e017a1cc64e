/** An array as JSON with an entry a line, so that a change of one is a change of one line. */
export const jsonLines = (entries: readonly unknown[]): string =>
  `[\n${entries.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n`;
