import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { PassThrough, Readable } from 'node:stream';
import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assemble, type Recipe } from '../../src/image/debian.ts';
import { packageRoot } from '../../src/version.ts';

const cache = path.join(packageRoot, 'results', '.cache');
const leftInCache = (): string[] => (existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('image-')) : []);

/** What a package puts where, as its archive has it: files by path, with their text. */
const packages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'redis-server_5%3a7.0.15-1_amd64.deb': {
    'usr/bin/redis-server': 'the engine',
    'usr/share/doc/redis/README': 'much',
    'usr/share/redis/keep': 'this',
  },
  'busybox_1.35_amd64.deb': { 'bin/busybox': '#!/bin/sh\nprintf "%s\\n" sh ls ip redis-server\n', 'usr/share/man/man1/busybox': 'much' },
  'iproute2_6.1_amd64.deb': { 'sbin/ip': 'a real one' },
  'perl-base_5.36_amd64.deb': { 'usr/bin/perl': 'not needed' },
  'libpam-modules_1.5_amd64.deb': { 'usr/lib/pam.so': 'not needed' },
};

describe('an image of distribution packages', { timeout: 60_000 }, () => {
  let folder = '';
  let out = '';
  const pathBefore = process.env['PATH'];
  const program = (name: string, script: string): void => {
    writeFileSync(path.join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(folder, 'bin', name), 0o755);
  };
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'debian-'));
    out = path.join(folder, 'image.tar');
    for (const name of ['bin', 'packages']) mkdirSync(path.join(folder, name));
    for (const [archive, files] of Object.entries(packages))
      for (const [file, text] of Object.entries(files)) {
        const at = path.join(folder, 'packages', archive, file);
        mkdirSync(path.dirname(at), { recursive: true });
        writeFileSync(at, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
      }
    process.env['PATH'] = `${path.join(folder, 'bin')}${path.delimiter}${pathBefore}`;
    // What these programs say and do with a distribution behind them.
    program(
      'apt-get',
      `echo "$*" >>${folder}/asked
for word; do case $word in
  Dir::Cache=*) cache=\${word#*=} ;; Dir::Etc::SourceList=*) cp \${word#*=} ${folder}/sources ;;
  indextargets) echo http://mirror.example/debian-security; echo http://mirror.example/debian/ ;;
  install) for name in ${folder}/packages/*; do : >$cache/archives/\${name##*/}; done; : >$cache/archives/lock ;;
esac; done`,
    );
    program('apt-cache', `echo 'redis-server:'; echo '  Candidate: 5:7.0.15-1'`);
    program('dpkg-deb', `tar -C ${folder}/packages/\${2##*/} -c .`);
  });
  afterEach(() => {
    process.env['PATH'] = pathBefore;
    rmSync(folder, { recursive: true });
  });

  const recipe: Recipe = {
    suites: ['bookworm', 'bullseye'],
    packages: ['redis-server', 'busybox-static'],
    command: ['redis-server'],
    version: '7.0',
    repo: 'slotquake/redis',
    tag: '7.0',
  };
  /** Assembles it for an engine that takes the image, and says this while it does. */
  async function assembled(changes: Partial<Recipe> = {}, said: readonly object[] = [{ status: 'sha256:1' }]) {
    const imported: unknown[] = [];
    const docker = {
      importImage: async (stream: Readable, options: unknown) => {
        imported.push(options);
        await pipeline(stream, createWriteStream(out));
        return new PassThrough();
      },
      modem: { followProgress: (_: unknown, done: (error: null, lines: readonly object[]) => void) => done(null, said) },
    };
    await assemble(docker as unknown as Docker, { ...recipe, ...changes });
    return imported[0] as { readonly repo: string; readonly tag: string; readonly changes: readonly string[] };
  }
  /** Each entry of the image: its mode, and its link where it is one. */
  const entries = (): Record<string, string> =>
    Object.fromEntries(
      spawnSync('tar', ['-tvf', out], { encoding: 'utf8' })
        .stdout.trim()
        .split('\n')
        .map((line) => /^(\S+) .*? \.\/(\S*)(?: -> (\S+))?$/.exec(line))
        .map((found) => [(found?.[2] ?? '').replace(/\/$/, ''), found?.[3] ? `-> ${found[3]}` : (found?.[1] ?? '')]),
    );
  const textOf = (file: string): string => spawnSync('tar', ['-xOf', out, `./${file}`], { encoding: 'utf8' }).stdout;

  it('is asked for in the suites of the recipe, from the mirror of this machine, without what is merely recommended', async () => {
    await assembled();
    expect(readFileSync(path.join(folder, 'sources'), 'utf8').split('\n')).toEqual([
      'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian/ bookworm main',
      'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian/ bullseye main',
      '',
    ]);
    const asked = readFileSync(path.join(folder, 'asked'), 'utf8').split('\n');
    expect(asked.find((line) => line.includes(' install '))).toMatch(
      /APT::Install-Recommends=false .*APT::Default-Release=bookworm .*--download-only install redis-server busybox-static$/,
    );
    // Nothing of it touches the packages of this machine.
    for (const line of asked.filter((one) => / (update|install)/.test(one)))
      for (const what of ['Dir::State', 'Dir::State::status', 'Dir::Cache', 'Dir::Etc']) expect(line).toContain(`${what}=${cache}/image-`);
  });
  it('has the packages side by side in one merged /usr, and only what a container needs', async () => {
    await assembled();
    const image = entries();
    expect(image).toMatchObject({
      bin: '-> usr/bin',
      sbin: '-> usr/sbin',
      lib: '-> usr/lib',
      data: expect.stringMatching(/^d/),
      tmp: 'drwxrwxrwt',
    });
    expect(textOf('usr/bin/redis-server')).toBe('the engine');
    expect(textOf('usr/bin/busybox')).toContain('#!/bin/sh');
    expect(textOf('usr/sbin/ip')).toBe('a real one');
    expect(Object.keys(image)).toContain('usr/share/redis/keep');
    for (const name of Object.keys(image)) expect(name).not.toMatch(/perl|pam|share\/(doc|man)/);
    expect(textOf('etc/passwd')).toContain('redis:x:999:999');
  });
  it('has every tool of busybox where no real one is, and the links of the recipe', async () => {
    await assembled({ links: { 'usr/bin/redis': '/usr/bin/redis-server' } });
    const image = entries();
    expect(image).toMatchObject({
      'usr/bin/sh': '-> /usr/bin/busybox',
      'usr/bin/ls': '-> /usr/bin/busybox',
      'usr/bin/redis': '-> /usr/bin/redis-server',
    });
    expect(image['usr/bin/redis-server']).toMatch(/^-/);
    expect(Object.keys(image)).not.toContain('usr/bin/ip');
  });
  it('has our own files, which all may read', async () => {
    const ours = path.join(folder, 'hold.py');
    writeFileSync(ours, 'print()', { mode: 0o600 });
    await assembled({ files: { 'usr/local/lib/slotquake/hold.py': ours } });
    expect(entries()['usr/local/lib/slotquake/hold.py']).toBe('-rw-r--r--');
    expect(textOf('usr/local/lib/slotquake/hold.py')).toBe('print()');
  });
  it('says what it is and what it holds', async () => {
    const { repo, tag, changes } = await assembled();
    expect([repo, tag]).toEqual(['slotquake/redis', '7.0']);
    expect(changes).toEqual(
      expect.arrayContaining([
        'CMD ["redis-server"]',
        'WORKDIR /data',
        'LABEL slotquake.image=1',
        'LABEL slotquake.engine="Redis server v=7.0.15"',
      ]),
    );
  });
  it('holds no engine where the recipe wants no version, as the toolbox', async () => {
    const { version: _, ...rest } = recipe;
    const { changes } = await assembled({ ...rest, version: undefined as never });
    expect(changes.join()).not.toContain('slotquake.engine');
  });
  it('is refused where the distribution has another version by now', async () => {
    program('apt-cache', `echo '  Candidate: 5:8.0.2-1'`);
    await expect(assembled()).rejects.toThrow("expected redis-server 7.0 in the distribution's suite bookworm, but it carries 8.0.2-1 now");
    program('apt-cache', `echo '  Candidate: (none)'`);
    await expect(assembled()).rejects.toThrow('but it carries (none) now');
  });
  it('is refused where this machine knows no mirror', async () => {
    program('apt-get', 'exit 100');
    await expect(assembled()).rejects.toThrow(/expected a Debian mirror in this machine's apt configuration, found none/);
  });
  it('is given up with the name of a package that cannot be unpacked', async () => {
    program('dpkg-deb', 'case $2 in *iproute2*) echo garbage ;; *) tar -C ' + folder + '/packages/${2##*/} -c . ;; esac');
    await expect(assembled()).rejects.toThrow('the package iproute2_6.1_amd64.deb could not be unpacked');
  });
  it('is given up with what the engine says that does not take it', async () => {
    await expect(assembled({}, [{ status: 'Importing' }, { error: 'no space left on device\n' }])).rejects.toThrow(
      'importing slotquake/redis:7.0 failed: no space left on device',
    );
  });
  it('leaves nothing of its making behind, whether it was made or not', async () => {
    const before = leftInCache();
    await assembled();
    program('dpkg-deb', 'exit 1');
    await expect(assembled()).rejects.toThrow('could not be unpacked');
    expect(leftInCache()).toEqual(before);
  });
});
