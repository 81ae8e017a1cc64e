import { execFileSync } from 'node:child_process';
import { packageRoot } from '../../src/version.ts';
import { ledgerFile } from './ledger.ts';

/** What git says of this checkout; empty where there is no git, or only a part of the history. */
export class History {
  readonly #ages: ReadonlyMap<string, number>;
  readonly #changed = new Map<string, readonly string[]>();

  constructor() {
    this.#ages = new Map(lines('log', '--format=%H').map((commit, age) => [commit, age]));
  }

  get head(): string | undefined {
    return this.#ages.keys().next().value;
  }

  /** How many commits there are. */
  get length(): number {
    return this.#ages.size;
  }

  /** How many commits ago that was; infinite where it is not in the history. */
  ageOf(commit: string | undefined): number {
    return (commit === undefined ? undefined : this.#ages.get(commit)) ?? Number.POSITIVE_INFINITY;
  }

  /** Files that are not as they were at that commit. */
  changedSince(commit: string): readonly string[] {
    const known = this.#changed.get(commit) ?? [...lines('diff', '--name-only', commit, '--'), ...untracked()];
    this.#changed.set(commit, known);
    return known;
  }

  /** Whether what is here is what is committed, but for the ledger itself. */
  isClean(): boolean {
    return this.head !== undefined && this.changedSince(this.head).every((file) => file === ledgerFile);
  }
}

const untracked = (): string[] => lines('ls-files', '--others', '--exclude-standard');

function lines(...args: string[]): string[] {
  try {
    return execFileSync('git', args, { cwd: packageRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 })
      .split('\n')
      .filter(Boolean);
  } catch {
    return [];
  }
}
