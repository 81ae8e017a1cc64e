import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { packageRoot } from '../../src/version.ts';
import { readLedger } from './ledger.ts';
import { keyOf, parts } from './parts.ts';

/** Files that took long when they last passed begin first, so that none is waited for alone in the end. */
export class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const ledger = readLedger();
    const secondsOf = ({ moduleId }: TestSpecification): number => {
      const file = path.relative(packageRoot, moduleId);
      return parts
        .flatMap((part) =>
          part.kinds.map((kind) => ({ files: kind.file === undefined ? part.files : [kind.file], key: keyOf(part, kind) })),
        )
        .filter(({ files: own }) => own.includes(file))
        .reduce((sum, { key }) => sum + (ledger[key]?.seconds ?? 0), 0);
    };
    return Promise.resolve(files.toSorted((a, b) => secondsOf(b) - secondsOf(a)));
  }
}
