import { allFaults } from './faults.ts';
import { parametersOf } from './parameter.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** All kinds of fault as a Markdown table, from what each file says of itself. The README holds it between two marks. */
export async function faultTable(): Promise<string> {
  const rows = [...(await allFaults())].map(([name, { kind }]) => {
    const parameters = parametersOf(kind.parameters).map(({ flag, about, choices, fallback, required }) => {
      const given = choices.length > 0 && !about.includes(choices[0] as string) ? `: ${choices.join(', ')}` : about ? `: ${about}` : '';
      const otherwise = fallback !== undefined ? ` (${JSON.stringify(fallback).replaceAll('"', '')})` : required ? ' (required)' : '';
      return `\`${flag}\`${given}${otherwise}`;
    });
    const columns = [
      `**${name}**<br>${cell(kind.about)}`,
      parameters.map(cell).join('<br>'),
      ...[kind.mechanism, kind.evidence, kind.undo].map(cell),
    ];
    return `| ${columns.join(' | ')} |`;
  });
  return ['| fault | parameters | what it does | evidence | undo |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

const [start, end] = ['<!-- faults: made by `npm run docs` -->', '<!-- end of faults -->'];

/** A text with today's table between the marks. */
export async function withFaultTable(text: string): Promise<string> {
  const [before, after] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`expected the marks ${start} and ${end} around the table of faults, found them not`);
  return `${text.slice(0, before)}${start}\n\n${await faultTable()}\n\n${text.slice(after)}`;
}

if (import.meta.main) {
  const { readFileSync, writeFileSync } = await import('node:fs');
  const file = new URL('../README.md', import.meta.url);
  writeFileSync(file, await withFaultTable(readFileSync(file, 'utf8')));
}
