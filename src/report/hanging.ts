/** What a record holds, such as the name of a key, must not steer the terminal. */
// oxlint-disable-next-line no-control-regex
const harmless = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '·');

/** Text that is broken between words where the line is full, and goes on at the column where it began. */
export function hanging(raw: string, indent: number, columns: number): string {
  const text = harmless(raw);
  const room = columns - indent;
  if (room < 20) return text;
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= room) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
