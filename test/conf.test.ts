import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../src/base/errors.ts';
import { readConf, withLines } from '../src/conf.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slotquake-conf-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, text: string | Buffer): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
const said = (text: string): unknown[] => readConf(put('redis.conf', text)).settings.map(({ name, values }) => [name, ...values]);

describe('a redis.conf', () => {
  it('is read line by line, in small letters, without comments, with all lines of one directive', () => {
    expect(said('\uFEFF# hello\n\n  # indented\nMaxMemory 1GB\r\n\tsave 900 1\nsave "300 10"\nrequirepass "# no comment"\n')).toEqual([
      ['maxmemory', '1GB'],
      ['save', '900', '1'],
      ['save', '300 10'],
      ['requirepass', '# no comment'],
    ]);
  });
  it('says where each line stands', () => {
    const file = put('redis.conf', '\nhz 10\ninclude other.conf\n');
    const other = put('other.conf', '# one\n# two\nhz 20\n');
    expect(readConf(file).settings.map(({ at }) => at)).toEqual([`${file}:2`, `${other}:3`]);
  });
  it('includes beside itself, by its whole path, with wildcards in the order of the alphabet, and again', () => {
    put('parts/b.conf', 'hz 2\n');
    put('parts/a.conf', 'hz 1\n');
    put('parts/.hidden.conf', 'hz 9\n');
    put('parts/c.txt', 'hz 3\n');
    put('deep/x/one.conf', 'hz 5\n');
    const whole = put('whole.conf', 'hz 4\n');
    expect(
      said(`include parts/*.conf\nINCLUDE "${whole}"\ninclude parts/[!a].c?nf\ninclude deep/*/one.conf\ninclude ${whole}`).map(String),
    ).toEqual([1, 2, 4, 2, 5, 4].map((hz) => `hz,${hz}`));
  });
  it('remarks on a pattern that matches nothing', () => {
    const { settings, remarks } = readConf(put('redis.conf', 'include conf.d/*.conf\n'));
    expect(settings).toEqual([]);
    expect(remarks).toEqual([
      {
        at: expect.stringMatching(/redis\.conf:1$/),
        directive: 'include',
        because: 'nothing matches conf.d/*.conf, so nothing is included',
      },
    ]);
  });
  it('includes from the folder of the first file, as the engine does from its one working directory, then beside the file that includes', () => {
    put('deep/one.conf', 'include deep/two.conf\ninclude three.conf\n');
    put('deep/two.conf', 'hz 2\n');
    put('deep/three.conf', 'hz 3\n');
    expect(said('include deep/one.conf').map(String)).toEqual(['hz,2', 'hz,3']);
    put('three.conf', 'hz 4\n');
    expect(said('include deep/one.conf').map(String)).toEqual(['hz,2', 'hz,4']);
  });
  it('has wildcards as the engine has them, and takes no name for one that is none', () => {
    put('b.part', 'hz 2\n');
    put('deep/down/c.part', 'hz 3\n');
    put('{b,c}.part', 'hz 4\n');
    expect(said('include [^a].part').map(String)).toEqual(['hz,2']);
    expect(said('include {b,c}.p*').map(String)).toEqual(['hz,4']);
    for (const nothing of ['conf[.conf', '[z-a].conf', '**/c.part', `${'x'.repeat(300)}*`]) {
      const { settings, remarks } = readConf(put('redis.conf', `include ${nothing}\n`));
      expect([settings, remarks.length], nothing).toEqual([[], 1]);
    }
  });
  it('may have directives of modules', () => expect(said('json.max-path-limit 128')).toEqual([['json.max-path-limit', '128']]));
  it('can have lines added, which come last', () => {
    const added = (text: string) => withLines(readConf(put('redis.conf', text)), ['save 900 1', 'hz 20'], 'the remedy').settings.slice(-2);
    expect(added('hz 10')).toEqual([
      { name: 'save', values: ['900', '1'], at: 'the remedy:1' },
      { name: 'hz', values: ['20'], at: 'the remedy:2' },
    ]);
    expect(added('{ "hz": "10" }')[0]?.values).toEqual(['900 1']);
  });
  it('may be empty', () => expect(said('\n# nothing\n')).toEqual([]));
  it('may be a dump instead', () => {
    expect(readConf(put('dump.txt', '1) "MAXMEMORY"\n2) "0"\n'))).toMatchObject({
      kind: 'dump',
      settings: [{ name: 'maxmemory', values: ['0'] }],
    });
  });

  const broken: readonly (readonly [text: string | Buffer, says: RegExp])[] = [
    ['hz 10\nrequirepass "a\n', /redis\.conf:2: the quotes do not match behind requirepass$/],
    ['<xml>\n', /redis\.conf:1: expected the name of a directive, got "<xml>"$/],
    ['include\n', /redis\.conf:1: expected one file to include, got 0$/],
    ['include gone.conf\n', /redis\.conf:1: the included file gone\.conf is not there; put it there/],
    [`include ${'x'.repeat(300)}\n`, /the included file x+ is not there; put it there/],
    ['include redis.conf\n', /redis\.conf:1: redis\.conf includes itself \(redis\.conf → redis\.conf\)$/],
    ['1) "maxmemory"\n2) oops\n', /redis\.conf:2: expected the value of maxmemory/],
    [Buffer.from([82, 69, 68, 73, 83, 0, 0, 1]), /redis\.conf is no text$/],
    [Buffer.alloc(5 * 2 ** 20, 'hz 10\n'), /redis\.conf has 5 MB$/],
  ];
  for (const [text, says] of broken)
    it(`is refused in a sentence where ${says.source}`, () => {
      const file = put('redis.conf', text);
      expect(() => readConf(file)).toThrow(UsageError);
      expect(() => readConf(file)).toThrow(says);
    });
  it('is refused where it includes itself by a detour', () => {
    put('a.conf', 'include b.conf\n');
    put('b.conf', 'hz 1\ninclude *.conf\n');
    expect(() => readConf(path.join(folder, 'a.conf'))).toThrow(/b\.conf:2: \*\.conf includes itself \(a\.conf → b\.conf → a\.conf\)/);
  });
  it('is refused where it is not there, or is a folder', () => {
    expect(() => readConf(path.join(folder, 'gone.conf'))).toThrow(/gone\.conf is not there$/);
    expect(() => readConf(folder)).toThrow(/is a folder$/);
  });
});

describe('the examples', () => {
  const examples = path.join(import.meta.dirname, 'fixtures', 'conf');
  for (const [name, kind, least] of [
    ['redis-7.conf', 'file', 60],
    ['debian-6.0.conf', 'file', 60],
    ['container.conf', 'file', 1],
    ['tutorial.conf', 'file', 5],
    ['hardened.conf', 'file', 16],
    ['managed.txt', 'dump', 50],
  ] as const)
    it(`of ${name} can be read`, () => {
      const conf = readConf(path.join(examples, name));
      expect(conf.kind).toBe(kind);
      expect(conf.settings.length).toBeGreaterThanOrEqual(least);
    });
});
