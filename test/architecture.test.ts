import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const src = path.join(import.meta.dirname, '..', 'src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
const importsOf = (file: string): string[] =>
  [...readFileSync(path.join(src, file), 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, target = '']) =>
    target.startsWith('.') ? path.relative(src, path.join(src, path.dirname(file), target)) : target,
  );

/** 'fault/block-bus.ts' and 'fault.ts' belong to 'fault'. */
const areaOf = (file: string): string => file.split(path.sep)[0]?.replace(/\.ts$/, '') ?? '';

/** What each area may import beside itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  pool: [],
  conf: ['base'],
  audit: ['base', 'timeline', 'conf', 'cluster', 'driver', 'experiment', 'judge', 'report'],
  timeline: ['base'],
  consistency: ['base', 'timeline'],
  examine: ['base', 'timeline', 'consistency'],
  invariant: ['base', 'timeline', 'consistency'],
  invariants: ['invariant'],
  report: ['base', 'timeline', 'consistency', 'invariant', 'judge'],
  driver: ['base', 'timeline', 'version'],
  image: ['base', 'driver', 'version'],
  cluster: ['base', 'timeline', 'driver', 'traffic'],
  resp: [],
  workload: ['base', 'timeline', 'parameter', 'resp'],
  workloads: ['workload'],
  load: ['base', 'timeline', 'driver', 'cluster', 'resp', 'workload', 'workloads'],
  parameter: ['base'],
  firewall: ['driver', 'fault', 'traffic'],
  setting: ['driver', 'fault'],
  exclusive: ['driver', 'fault'],
  revival: ['driver', 'fault', 'exclusive'],
  background: ['driver', 'fault', 'revival'],
  resident: [],
  clock: ['driver', 'revival'],
  membership: ['driver', 'cluster', 'fault', 'exclusive', 'revival'],
  migration: ['base', 'driver', 'cluster', 'fault', 'membership'],
  traffic: ['base', 'driver'],
  fault: [
    'base',
    'timeline',
    'driver',
    'cluster',
    'parameter',
    'firewall',
    'setting',
    'membership',
    'migration',
    'traffic',
    'grudge',
    'shaping',
    'exclusive',
    'revival',
    'background',
    'resident',
    'clock',
  ],
  grudge: [],
  shaping: ['driver', 'fault', 'parameter', 'traffic'],
  faults: ['fault'],
  probe: ['base', 'timeline', 'cluster'],
  judge: ['base', 'timeline', 'consistency', 'invariant'],
};

describe('the dependencies', () => {
  for (const [area, below] of Object.entries(allowed)) {
    it(`of ${area} point down only`, () => {
      const wrong = files
        .filter((file) => areaOf(file) === area)
        .flatMap((file) =>
          importsOf(file)
            .filter((target) => target.endsWith('.ts') && areaOf(target) !== area && !below.includes(areaOf(target)))
            .map((target) => `${file} imports ${target}`),
        );
      expect(wrong).toEqual([]);
    });
  }
  it('keep dockerode behind the driver and the images', () => {
    const users = files.filter((file) => !['driver', 'image'].includes(areaOf(file)) && importsOf(file).includes('dockerode'));
    expect(users).toEqual([path.join('cli', 'doctor.ts')]);
  });
  it('keep client libraries behind the client, and behind the clients under test', () => {
    const libraries = ['ioredis', 'iovalkey', 'redis'];
    const users = files.filter((file) => importsOf(file).some((target) => libraries.includes(target)));
    expect(users.sort()).toEqual(
      [['cluster', 'client.ts'], ...['ioredis', 'iovalkey', 'library', 'node-redis'].map((name) => ['load', `${name}.ts`])].map((parts) =>
        path.join(...parts),
      ),
    );
  });
});

describe('the README', () => {
  it('injects by hand what there is, with parameters that are understood', async () => {
    const { allFaults } = await import('../src/faults.ts');
    const { exampleOf } = await import('./fault/contract.ts');
    const faults = await allFaults();
    const lines = [...readFileSync(path.join(src, '..', 'README.md'), 'utf8').matchAll(/^npm run slotquake -- inject (\S+) (.*)$/gm)];
    expect(lines.length).toBeGreaterThan(0);
    for (const [, name = '', flags = ''] of lines) {
      const maker = faults.get(name);
      if (!maker) throw new Error(`there is no fault ${name}`);
      const example = flags.replace(/ --for \S+/, '');
      expect(exampleOf(Object.assign(maker.bind(null), { kind: { ...maker.kind, example } })).target).not.toBe('');
    }
  });

  it('has the tables of faults, workloads and outcomes as they are now, and experiments/README.md that of the losses', async () => {
    const { documents, withTables } = await import('../src/docs.ts');
    for (const [name, tables] of Object.entries(documents)) {
      const text = readFileSync(path.join(src, '..', name), 'utf8');
      expect(await withTables(text, tables), 'run `npm run docs`').toBe(text);
    }
  });
  it('has the whole catalogue in experiments/README.md', async () => {
    const { experimentNames } = await import('../src/cli/load.ts');
    const text = readFileSync(path.join(src, '..', 'experiments', 'README.md'), 'utf8');
    for (const name of experimentNames()) expect(text).toContain(`\n### ${name}\n`);
  });
  it('shows an experiment that loads', async () => {
    const { validate } = await import('../src/cli/load.ts');
    const readme = readFileSync(path.join(src, '..', 'README.md'), 'utf8');
    const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThan(0);
    const { writeFileSync, rmSync } = await import('node:fs');
    for (const [index, code] of blocks.entries()) {
      const file = path.join(import.meta.dirname, `readme-block-${index}-${process.pid}.ts`);
      writeFileSync(
        file,
        code.replaceAll("'slotquake'", "'../src/index.ts'").replaceAll(/'slotquake\/(fault|workload)\/([a-z-]+)'/g, "'../src/$1/$2.ts'"),
      );
      try {
        await validate(((await import(file)) as { default: unknown }).default, 'README.md');
      } finally {
        rmSync(file);
      }
    }
  });
});
