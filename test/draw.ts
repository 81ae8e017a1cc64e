import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { formatMs } from '../src/base/duration.ts';
import type { CatalogueLine } from '../src/cli/catalogue.ts';
import { packageRoot } from '../src/version.ts';
import { type Candidate, choose } from './draw/choose.ts';
import type { Draw } from './draw/drawn.ts';
import { History } from './draw/history.ts';
import { readBelow, withImports } from './draw/imports.ts';
import { type Entry, keepInLedger, readLedger } from './draw/ledger.ts';
import { type Kind, keyOf, type Part, parts, quick } from './draw/parts.ts';
import { type Skipped, type Tally, textOf } from './tally.ts';

/*
 * Runs the tests: all of them or named parts (`--all`), or a draw that fits into a few minutes. What a change touched is in
 * every draw, as far as there is time; the rest takes turns, by a seed that is printed.
 */

const { values: flags, positionals: named } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    share: { type: 'string', default: '0.1' },
    'touched-seconds': { type: 'string', default: '60' },
    seed: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const unknown = named.find((name) => !parts.some((part) => part.name === name));
if (unknown !== undefined || (named.length > 0 && !flags.all)) {
  console.error(
    `slotquake: expected parts of the tests (${parts.map(({ name }) => name).join(', ')}) as \`npm run test:all -- <parts>\`, got ${unknown ?? named.join(' ')}`,
  );
  process.exit(64);
}

const startedAtMs = performance.now();
const ledger = readLedger();
const history = new History();
/** In a draw of the same commit the same is drawn; where runs are numbered, each goes on where the last one ended. */
const seed = Number(flags.seed ?? process.env['GITHUB_RUN_NUMBER'] ?? history.length);
const share = Number(flags.share);
/** What a kind is reckoned to take that has never passed. */
const usualSeconds = 10;

const asked = parts.filter(({ name }) => named.length === 0 || named.includes(name));
const done = (key: string): boolean => flags.resume && history.isClean() && ledger[key]?.commit === history.head;
const candidateOf = (part: Part, kind: Kind): Candidate => {
  const entry = ledger[keyOf(part, kind)];
  const known = entry !== undefined && history.ageOf(entry.commit) !== Number.POSITIVE_INFINITY;
  const sources = withImports(kind.sources, readBelow(packageRoot));
  return {
    key: keyOf(part, kind),
    age: history.ageOf(entry?.commit),
    touched: known && history.changedSince(entry.commit).some((file) => sources.has(file)),
    seconds: entry?.seconds ?? usualSeconds,
  };
};
const products = asked.filter(({ drawn }) => drawn === 'by kind');
const candidates = products.map((part) => part.kinds.map((kind) => candidateOf(part, kind)));
const chosen = flags.all
  ? new Set(asked.flatMap((part) => part.kinds.map((kind) => keyOf(part, kind))).filter((key) => !done(key)))
  : new Set([
      ...choose(candidates, { share, touchedSeconds: Number(flags['touched-seconds']), seed }),
      ...asked.filter((part) => !products.includes(part)).map(({ name }) => name),
    ]);
const drawnKinds = (part: Part): Kind[] => part.kinds.filter((kind) => chosen.has(keyOf(part, kind)));
const kindsOf = (part: Part): string[] => drawnKinds(part).map(({ name }) => name);
const wanted = asked.filter((part) => kindsOf(part).length > 0);
const touchedLeft = candidates.flat().flatMap(({ touched, key }) => (touched && !chosen.has(key) ? [key] : []));
/** Others of which a part only is run; a change of the file itself, or of what it looks at, has it run as a whole. */
const partly = flags.all
  ? []
  : wanted.filter((part) => {
      if (part.drawn !== 'by test' && part.drawn !== 'by group') return false;
      const entry = ledger[part.name];
      if (entry === undefined || history.ageOf(entry.commit) === Number.POSITIVE_INFINITY) return true;
      return !history.changedSince(entry.commit).some((file) => part.files.includes(file));
    });

say();
if (flags['dry-run']) process.exit();

const folder = path.join(packageRoot, 'results', '.cache', `draw-${process.pid}`);
mkdirSync(folder, { recursive: true });
const passedKinds = new Map<string, Entry>();
const total = { passed: 0, failures: [] as string[], skipped: [] as Skipped[] };
try {
  const vitested = wanted.filter(({ name }) => name !== 'catalogue');
  if (vitested.length > 0) runVitest(vitested);
  const experiments = wanted.find(({ name }) => name === 'catalogue');
  if (experiments) await runCatalogue(experiments);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (flags.all && history.isClean()) keepInLedger(Object.fromEntries(passedKinds));

console.log(`tests took ${formatMs(performance.now() - startedAtMs)}`);
say();
for (const line of textOf(total)) console.log(line);
process.exitCode = total.failures.length > 0 ? 1 : 0;

/** What is tried, what is left out, and how the rest is run. */
function say(): void {
  if (flags.all) {
    console.log(`tests: ${wanted.map(({ name }) => name).join(', ') || 'none is left'}`);
    return;
  }
  console.log(`drawn with seed ${seed} (\`npm test -- --seed ${seed}\` repeats it):`);
  const whole = asked.filter((part) => part.drawn !== 'by kind' && !partly.includes(part));
  const line = (what: string, names: readonly string[]): void => console.log(`  ${what.padEnd(18)} ${names.join(' ')}`);
  line(
    'everything',
    whole.map(({ name }) => name),
  );
  line(
    `${Math.round(share * 100)} % of the tests`,
    partly.map(({ name }) => name),
  );
  for (const part of products) line(`${part.name}, ${kindsOf(part).length} of ${part.kinds.length}`, kindsOf(part));
  if (touchedLeft.length > 0) line('touched, left out', touchedLeft);
  console.log('the rest: `npm run test:all`, or one of these parts, such as `npm run test:all -- kill`');
}

function runVitest(those: readonly Part[]): void {
  const draw: Draw = {
    seed,
    kinds: Object.fromEntries(those.filter(({ drawn }) => drawn === 'by kind').map((part) => [part.name, kindsOf(part)])),
    files: Object.fromEntries(
      partly.flatMap((part) => part.files.map((file) => [file, { share, of: part.drawn === 'by group' ? 'groups' : 'tests' }] as const)),
    ),
  };
  const [drawFile, tallyFile] = [path.join(folder, 'draw.json'), path.join(folder, 'tally.json')];
  writeFileSync(drawFile, JSON.stringify(draw));
  const env = { ...process.env, SLOTQUAKE_DRAW: drawFile, SLOTQUAKE_TALLY: tallyFile };
  // Two calls, since a file is a filter for all projects at once.
  const projects = those.filter(({ name }) => quick.includes(name)).flatMap(({ name }) => ['--project', name]);
  const files = those.flatMap((part) => [...part.files, ...drawnKinds(part).flatMap(({ file }) => file ?? [])]);
  for (const args of [projects, files.length > 0 ? ['--project', 'cluster', '--project', 'timed', ...files] : []]) {
    if (args.length === 0) continue;
    rmSync(tallyFile, { force: true });
    const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args], {
      cwd: packageRoot,
      stdio: 'inherit',
      env,
    });
    add(those, tallyFile, status);
  }
}

function add(those: readonly Part[], tallyFile: string, status: number | null): void {
  let tally: Tally;
  try {
    tally = JSON.parse(readFileSync(tallyFile, 'utf8')) as Tally;
  } catch {
    total.failures.push(`vitest ended with ${status} and counted nothing`);
    return;
  }
  total.passed += tally.passed;
  total.skipped.push(...tally.skipped);
  total.failures.push(...tally.failures);
  if (status !== 0 && tally.failures.length === 0) total.failures.push(`vitest ended with ${status}`);
  for (const part of those) {
    for (const kind of drawnKinds(part)) {
      const files = kind.file === undefined ? part.files : [kind.file];
      const groups = tally.groups.filter(({ file }) => files.includes(file));
      if (groups.length === 0) continue;
      // The group of a kind ends with its name; some kinds have nothing to try.
      const perKind = part.drawn === 'by kind' && kind.file === undefined;
      const own = perKind ? groups.filter(({ name }) => name.endsWith(` ${kind.name}`)) : groups;
      const seconds = perKind ? own.reduce((sum, group) => sum + group.seconds, 0) : Math.max(...own.map(({ fileSeconds }) => fileSeconds));
      if (own.every(({ passed }) => passed)) passedKinds.set(keyOf(part, kind), passedIn(seconds));
    }
  }
}

async function runCatalogue(part: Part): Promise<void> {
  const names = kindsOf(part);
  const args = ['src/cli.ts', 'catalogue', ...names, '--again', '--json'];
  const child = spawn(process.execPath, args, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] });
  const runs = new Map<string, CatalogueLine>();
  for await (const text of createInterface({ input: child.stdout })) {
    const run = JSON.parse(text) as CatalogueLine;
    const name = `${run.experiment}/${run.variant}`;
    // Of what is run once more, the last one counts.
    runs.set(name, run);
    console.log(
      `${isFine(run) ? '✓' : '✗'} ${name.padEnd(48)} ${formatMs(run.tookMs).padStart(7)}${isFine(run) ? '' : `  ${run.verdict}: ${run.because}`}`,
    );
  }
  if (runs.size < names.length) total.failures.push(`expected ${names.length} runs of the catalogue, which told of ${runs.size}`);
  for (const [name, run] of runs) {
    if (isFine(run)) {
      total.passed++;
      passedKinds.set(keyOf(part, { name }), passedIn(run.tookMs / 1_000));
    } else total.failures.push(`${name}: ${run.verdict}: ${run.because}; see ${run.folder}`);
  }
}

/** A variant that the engine cannot be asked is no failure. */
function isFine({ verdict }: CatalogueLine): boolean {
  return ['as-expected', 'not-asked'].includes(verdict);
}

function passedIn(seconds: number): Entry {
  return { commit: history.head ?? '', seconds: Math.ceil(seconds) };
}
