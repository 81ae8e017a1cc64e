import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Action } from '../src/fault.ts';
import { changedSetting, mustDiffer } from '../src/setting.ts';
import { scriptOf } from './fault/planned.ts';

/** An engine with settings in files and, where it has a password, one that it wants. */
const stub = (folder: string): string => `#!/bin/sh
password=$(cat ${folder}/config-requirepass 2>/dev/null)
[ -z "$password" ] || [ "$REDISCLI_AUTH" = "$password" ] || { echo 'NOAUTH Authentication required.'; exit 0; }
case "$2" in
  GET) [ -e "${folder}/config-$3" ] && { echo "$3"; cat "${folder}/config-$3"; echo; } ;;
  SET) case "$4" in bad) echo 'ERR bad value' ;; *) printf '%s' "$4" >"${folder}/config-$3"; echo OK ;; esac ;;
esac
exit 0
`;

describe('a changed setting', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'setting-'));
    writeFileSync(path.join(folder, 'cli'), stub(folder));
    chmodSync(path.join(folder, 'cli'), 0o755);
    for (const [name, value] of [
      ['maxmemory', '0'],
      ['save', ''],
      ['requirepass', ''],
      ['client-output-buffer-limit', 'normal 0 0 0 slave 1 2 3'],
    ] as const)
      writeFileSync(path.join(folder, `config-${name}`), value);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const now = (name: string): string => readFileSync(path.join(folder, `config-${name}`), 'utf8');
  const run = (action: Action, step: 'do' | 'undo' | 'residue'): { exitCode: number | null; output: string } => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', scriptOf(action[step]).replaceAll('/tmp/', `${folder}/`)], {
      env: { PATH: process.env['PATH'], CLI: path.join(folder, 'cli') },
      encoding: 'utf8',
    });
    return { exitCode: status, output: `${stdout}${stderr}`.trim() };
  };

  it.each([
    ['client-output-buffer-limit', 'replica 1mb 0 0'],
    ['save', '3600 1'],
    ['maxmemory', '5mb'],
  ])('restores %s exactly', (name, value) => {
    const before = now(name);
    const action = changedSetting('node-1', 't-1', name, value);
    expect(run(action, 'do')).toEqual({ exitCode: 0, output: '' });
    expect(now(name)).toBe(value);
    expect(run(action, 'residue').output).toContain('held by');
    expect(run(action, 'undo').exitCode).toBe(0);
    expect(now(name)).toBe(before);
    expect(run(action, 'residue')).toEqual({ exitCode: 0, output: '' });
  });

  it('is restored by the last one out, in whichever order they go', () => {
    const [older, younger] = [changedSetting('n', 't-1', 'maxmemory', '5'), changedSetting('n', 't-2', 'maxmemory', '7')];
    for (const [first, second, between] of [
      [older, younger, '7'],
      [younger, older, '5'],
    ] as const) {
      run(older, 'do');
      run(younger, 'do');
      run(first, 'undo');
      expect(now('maxmemory')).toBe(between);
      expect(run(first, 'residue').output).toBe('');
      run(second, 'undo');
      expect(now('maxmemory')).toBe('0');
    }
  });

  it('is left alone by an undo without a deed', () => {
    const action = changedSetting('n', 't-1', 'maxmemory', '5');
    expect(run(action, 'undo').exitCode).toBe(0);
    expect(run(action, 'residue').output).toBe('');
    expect(now('maxmemory')).toBe('0');
  });

  it('leaves nothing where it was cut off before it stood among the holders, or after it had left them', () => {
    const action = changedSetting('n', 't-1', 'maxmemory', '5');
    const held = path.join(folder, 'slotquake-setting-maxmemory');
    for (const half of [{}, { original: '' }, { original: '0\n' }, { original: '0\n', holders: '' }]) {
      mkdirSync(held);
      for (const [name, content] of Object.entries(half)) writeFileSync(path.join(held, name), content);
      expect(run(action, 'residue').output).toContain('slotquake-setting-maxmemory');
      expect(run(action, 'undo')).toEqual({ exitCode: 0, output: '' });
      expect(run(action, 'residue')).toEqual({ exitCode: 0, output: '' });
      expect(existsSync(held)).toBe(false);
      expect(now('maxmemory')).toBe('0');
    }
  });

  it('is let go only once the engine tells the old value again', () => {
    const action = changedSetting('n', 't-1', 'maxmemory', '5');
    run(action, 'do');
    writeFileSync(path.join(folder, 'slotquake-setting-maxmemory', 'original'), 'bad');
    expect(run(action, 'undo')).toMatchObject({ exitCode: 1 });
    expect(run(action, 'residue').output).toContain('held by');
  });

  it('leaves nothing behind', () => {
    const action = changedSetting('n', 't-1', 'maxmemory', '5');
    run(action, 'do');
    run(action, 'undo');
    expect(existsSync(path.join(folder, 'slotquake-setting-maxmemory'))).toBe(false);
  });

  it("fails with the engine's own words, or when nothing would change", () => {
    expect(run(changedSetting('n', 't-1', 'maxmemory', 'bad'), 'do')).toEqual({
      exitCode: 1,
      output: 'the engine refuses maxmemory: ERR bad value',
    });
    expect(run(changedSetting('n', 't-2', 'save', '', mustDiffer('save')), 'do').output).toBe("save is '' already; choose another value");
  });

  it('gets back in after a password of ours', () => {
    const locked = changedSetting('n', 't-1', 'requirepass', 'secret');
    const other = changedSetting('n', 't-2', 'maxmemory', '5');
    run(locked, 'do');
    expect(run(other, 'do').output).toBe('');
    run(locked, 'undo');
    run(other, 'undo');
    expect([now('requirepass'), now('maxmemory')]).toEqual(['', '0']);
  });

  it('gets back in also after passwords that a shell would take apart', () => {
    const passwords = ['two  words *', 'tail '];
    const locked = passwords.map((password, index) => changedSetting('n', `t-${index}`, 'requirepass', password));
    for (const action of locked) expect(run(action, 'do').output).toBe('');
    for (const action of locked.toReversed()) expect(run(action, 'undo')).toEqual({ exitCode: 0, output: '' });
    expect(now('requirepass')).toBe('');
  });

  it('changes nothing, and keeps nothing, at an engine that does not tell the setting', () => {
    const action = changedSetting('n', 't-1', 'maxmemory', '5', mustDiffer('maxmemory'));
    rmSync(path.join(folder, 'config-maxmemory'));
    writeFileSync(path.join(folder, 'cli'), '#!/bin/sh\nexit 1\n');
    expect(run(action, 'do')).toEqual({ exitCode: 1, output: 'the engine refuses maxmemory: no answer' });
    expect(existsSync(path.join(folder, 'slotquake-setting-maxmemory'))).toBe(false);
    const differs = { ...action, do: { ...action.do, script: `setting() { return 1; }\n${mustDiffer('maxmemory')}` } } as Action;
    expect(run(differs, 'do')).toEqual({ exitCode: 1, output: 'the engine does not tell maxmemory' });
  });

  it('keeps quotes in a value', () => {
    const action = changedSetting('n', 't-1', 'maxmemory', `it's "5"`);
    expect(run(action, 'do').output).toBe('');
    expect(now('maxmemory')).toBe(`it's "5"`);
    expect(existsSync(path.join(folder, 'slotquake-setting-maxmemory'))).toBe(true);
  });

  it('is plain POSIX shell', () => {
    for (const step of ['do', 'undo', 'residue'] as const)
      expect(() =>
        execFileSync('sh', ['-n', '-c', scriptOf(changedSetting('n', 't-1', 'save', 'x')[step])], { stdio: 'pipe' }),
      ).not.toThrow();
  });
});
