import { readFileSync } from 'node:fs';

/** What a run of the tests was told to try, by the file that DRAW names; without one it is everything. */
export interface Draw {
  readonly seed: number;
  /** Kinds, by part. */
  readonly kinds: Readonly<Record<string, readonly string[]>>;
  /** Which share of the tests, or of their groups, of these files. */
  readonly files: Readonly<Record<string, { readonly share: number; readonly of: 'tests' | 'groups' }>>;
}

const file = process.env['SLOTQUAKE_DRAW'];
export const draw = file === undefined || file === '' ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as Draw);

/** Whether this kind of a part is to be tried. */
export const drawn = (part: string, kind: string): boolean => draw?.kinds[part]?.includes(kind) ?? true;
