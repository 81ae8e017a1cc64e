import { globSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { experimentNames } from '../../src/cli/load.ts';
import { packageRoot } from '../../src/version.ts';

/** A piece of the tests that can be asked for by its name. */
export interface Part {
  readonly name: string;
  /** The files that vitest runs for it; none where the command line of Slotquake is the test. */
  readonly files: readonly string[];
  /**
   * Whether all of it is run every time, each kind is drawn for itself (a fault, an engine, an experiment), or some of its
   * tests are.
   */
  readonly drawn: 'never' | 'by kind' | 'by test' | 'by group';
  readonly kinds: readonly Kind[];
}

/** What a part is tried with. A part that is no product has one, called as the part itself. */
export interface Kind {
  readonly name: string;
  /** Files of which a change touches it, with all that they import. */
  readonly sources: readonly string[];
  /** Where it has a file of its own, which is then none of the part. */
  readonly file?: string;
}

const faults = namesIn('src/fault').map((name): Kind => ({ name, sources: [`src/fault/${name}.ts`] }));
export const engines = ['redis:6.0', 'redis:7.0', 'redis:8.0', 'valkey:8.1', 'valkey:9.1'] as const;

const perFault = (name: string): Part => ({ name, files: [`test/fault/${name}.cluster.test.ts`], drawn: 'by kind', kinds: faults });

/** In these, one test needs what another one did before it. */
const inOnePiece = ['losses', 'netem', 'outcome', 'stage', 'package'];

const products: readonly Part[] = [
  perFault('contract'),
  perFault('kill'),
  perFault('cut-off'),
  {
    name: 'engines',
    files: ['test/engines.cluster.test.ts'],
    drawn: 'by kind',
    kinds: engines.map((name) => ({ name, sources: ['src/image.ts', 'src/cluster/form.ts', 'test/engines.cluster.test.ts'] })),
  },
  {
    name: 'installation',
    files: [],
    drawn: 'by kind',
    kinds: [
      { name: 'setup', sources: ['src/setup.js', 'src/prepare.ts'] },
      { name: 'floor', sources: ['src/floor.js', 'src/start.js'] },
    ].map((kind) => ({ ...kind, file: `test/installation/${kind.name}.test.ts` })),
  },
  {
    name: 'catalogue',
    files: [],
    drawn: 'by kind',
    kinds: experimentNames().flatMap((name) =>
      ['wounded', 'cured'].map((variant) => ({ name: `${name}/${variant}`, sources: [`experiments/${name}.ts`] })),
    ),
  },
];

const project = (name: string): Part => ({ name, files: [], drawn: 'never', kinds: [{ name, sources: [] }] });

/** Every other file with real containers is a part of its own: a new one is found by its name. */
const others = globSync('test/**/*.cluster.test.ts', { cwd: packageRoot })
  .toSorted()
  .filter((file) => !products.some(({ files }) => files.includes(file)))
  .map((file): Part => {
    const name = path.basename(file, '.cluster.test.ts');
    return { name, files: [file], drawn: inOnePiece.includes(name) ? 'by group' : 'by test', kinds: [{ name, sources: [file] }] };
  });

/** Projects of vitest that need no containers. They come first, for they take seconds. */
export const quick = ['unit', 'process', 'browser'];
export const parts: readonly Part[] = [...quick.map(project), ...products, ...others];

/** How the ledger and the draw call it. */
export const keyOf = (part: Pick<Part, 'name'>, kind: Pick<Kind, 'name'>): string =>
  part.name === kind.name ? part.name : `${part.name}/${kind.name}`;

function namesIn(folder: string): string[] {
  return readdirSync(path.join(packageRoot, folder))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.basename(file, '.ts'))
    .toSorted();
}
