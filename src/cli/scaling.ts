import { readFileSync } from 'node:fs';
import { locate } from './load.ts';

/** What an experiment has scaled down, and what it stands for, by its opening comment; empty where that does not say. */
export const scalingOf = (nameOrPath: string): string => scalingIn(readFileSync(locate(nameOrPath), 'utf8'));

/** The opening comment, from the word with which every experiment of ours begins that to the end of the paragraph. */
export function scalingIn(source: string): string {
  const [, comment = ''] = /^\s*\/\*+([\s\S]*?)\*\//.exec(source) ?? [];
  const paragraphs = comment
    .replaceAll(/^[ \t]*\*?[ \t]*/gm, '')
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim());
  for (const paragraph of paragraphs) {
    const [said] = /\b(Scaled|Not scaled|Nothing is scaled)\b.*/.exec(paragraph) ?? [];
    // Whoever shows it says before it that this is the scale.
    if (said !== undefined) return said.replace(/^Scaled: (.)/, (_, first: string) => first.toUpperCase());
  }
  return '';
}
