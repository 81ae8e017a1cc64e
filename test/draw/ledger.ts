import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../src/version.ts';

/** When a kind passed in full for the last time, and how long its tests took then. */
export interface Entry {
  readonly commit: string;
  readonly seconds: number;
}

/** By the key of the kind; see keyOf in parts.ts. Written by `test:all` alone, in a checkout without changes. */
export type Ledger = Readonly<Record<string, Entry>>;

export const ledgerFile = 'test/draw/ledger.json';
const file = path.join(packageRoot, ledgerFile);

export function readLedger(): Ledger {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Ledger;
  } catch {
    return {};
  }
}

/** One line a kind, so that two people's entries do not clash. */
export function keepInLedger(entries: Ledger): void {
  const all = Object.entries({ ...readLedger(), ...entries }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(file, `{\n${all.map(([key, entry]) => `  ${JSON.stringify(key)}: ${JSON.stringify(entry)}`).join(',\n')}\n}\n`);
}
