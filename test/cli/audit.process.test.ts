import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const cli = path.join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const fixtures = path.join(import.meta.dirname, '..', 'fixtures');
let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'slotquake-audit-'));
  mkdirSync(path.join(scratch, 'folder'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const audit = (...args: string[]) =>
  spawnSync(process.execPath, [cli, 'audit', '--results', scratch, ...args], { encoding: 'utf8', cwd: scratch });

describe('the command audit', () => {
  const files: readonly (readonly [text: string | Buffer, says: string])[] = [
    ['maxmemory "1gb\n', 'bad.conf:1: the quotes do not match behind maxmemory'],
    ['hz 10\n\ninclude nowhere.conf\n', 'bad.conf:3: the included file nowhere.conf is not there'],
    ['include bad.conf\n', 'bad.conf:1: bad.conf includes itself'],
    ['{ "maxmemory": ', 'bad.conf:1: expected what CONFIG GET answered as JSON'],
    ['1) "maxmemory"\n2) 0\n', 'bad.conf:2: expected the value of maxmemory, got "2) 0"'],
    ['*1\r\n$9\r\nmaxmemory\r\n', 'bad.conf:2: expected the value of maxmemory'],
    ['=====\n', 'bad.conf:1: expected the name of a directive, got "====="'],
    [Buffer.from([0x52, 0x45, 0x44, 0x49, 0x53, 0, 1, 2]), 'bad.conf is no text'],
  ];
  for (const [text, says] of files)
    it(`refuses a file in one sentence: ${says}`, () => {
      writeFileSync(path.join(scratch, 'bad.conf'), text);
      const { status, stdout, stderr } = audit('--redis-conf', 'bad.conf');
      expect(stderr).toMatch(/^slotquake: [^\n]+\n$/);
      expect(stderr).toContain(says);
      expect(stdout).toBe('');
      expect(status).toBe(64);
    });

  const good = path.join(fixtures, 'conf', 'tutorial.conf');
  const flags: readonly (readonly [args: readonly string[], says: string])[] = [
    [[], "required option '--redis-conf <file>' not specified"],
    [['--redis-conf', 'gone.conf'], 'gone.conf is not there'],
    [['--redis-conf', 'folder'], 'folder is a folder'],
    [['--redis-conf', good, '--only', 'killed-primry'], '(did you mean killed-primary?)'],
    [['--redis-conf', good, '--only', ','], 'expected at least one experiment behind --only'],
    [['--redis-conf', good, '--accept', 'killed-primry'], '(did you mean killed-primary?)'],
    [['--redis-conf', good, '--jobs', '0'], 'Expected at least 1'],
    [['--redis-conf', good, '--json', '--junit'], 'expected one of --json, --junit on standard output'],
    [['--redis-conf', good, '--junit', 'none/a.xml'], 'expected a file that can be written, but none/a.xml cannot'],
    [['--redis-conf', good, '--results', '/dev/null/x'], 'expected a results folder that can be written'],
  ];
  for (const [args, says] of flags)
    it(`refuses ${args.map((arg) => path.basename(arg)).join(' ') || 'no file'}`, () => {
      const { status, stderr } = audit(...args);
      expect(stderr).toMatch(/^slotquake: [^\n]+\n$/);
      expect(stderr).toContain(says);
      expect(status).toBe(64);
    });
});
