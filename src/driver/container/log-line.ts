const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * Splits '2026-…Z 1:M 24 Nov 2026 00:32:34.687 * text' into its time and its text. The engine's own stamp wins: the
 * container engine's is later by the pipe. Containers run in UTC.
 */
export function parseLogLine(line: string): { readonly epochMs: number; readonly text: string } {
  const [, outer = '', text = line] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (.*)$/.exec(line) ?? [];
  const own = /^\d+:[A-Z] (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d)\.(\d{3}) /.exec(text);
  const month = own ? months.indexOf(own[2] ?? '') : -1;
  if (own && month >= 0) {
    const [day, , year, hour, minute, second, ms] = own.slice(1).map(Number) as number[];
    return { epochMs: Date.UTC(year ?? 0, month, day, hour, minute, second, ms), text };
  }
  return { epochMs: Date.parse(outer), text };
}
