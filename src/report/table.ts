import { escape } from './escape.ts';

/** Markup that is made here, and not text of a record. */
export interface Markup {
  readonly html: string;
}

export const markup = (html: string): Markup => ({ html });

/** Text is escaped; a number gets its thousands apart; null is nothing. */
export type Cell = string | number | Markup | null;

/** What a column is called, and how it stands: text unless told, `number` to the right, `dim` as a remark. */
export type Column = string | { readonly head: string; readonly as: 'number' | 'dim' };

const classOf = (column: Column): string => (typeof column === 'string' ? '' : ` class="${column.as}"`);
const inside = (cell: Cell): string =>
  cell === null ? '' : typeof cell === 'object' ? cell.html : typeof cell === 'number' ? grouped(cell) : escape(cell);

/** A count with its thousands apart: 1,000,000. */
export const grouped = (count: number): string => count.toLocaleString('en');

/** A quiet table. On a narrow screen it is moved sideways, rather than have its words broken. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], kind = ''): string {
  if (rows.length === 0) return '';
  const heads = columns.map((column) => `<th${classOf(column)}>${escape(typeof column === 'string' ? column : column.head)}</th>`);
  const lines = rows.map(
    (cells) => `<tr>${cells.map((cell, index) => `<td${classOf(columns[index] ?? '')}>${inside(cell)}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll ${kind}" tabindex="0" role="group"><table class="quiet"><thead><tr>${heads.join('')}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`;
}

/** A column of numbers. */
export const number = (head: string): Column => ({ head, as: 'number' });
/** A column of remarks. */
export const dim = (head: string): Column => ({ head, as: 'dim' });

/** A part of the section on operations. What follows a heading alone is nothing, and then the heading is left out too. */
export const part = (title: string, about: string, ...content: readonly string[]): string =>
  content.join('') === '' ? '' : `<h3>${escape(title)}</h3>${about === '' ? '' : `<p class="dim">${escape(about)}</p>`}${content.join('')}`;
