import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { SlotquakeError } from '../base/errors.ts';
import { engineLabel } from '../driver/container/identify.ts';
import { packageRoot } from '../version.ts';
import { finish } from './progress.ts';

const run = promisify(execFile);
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Part of what a full system needs and a container does not: package tools, perl, pam, set-up scripts. */
const unneeded =
  /^(perl|libperl|lib.*-perl|dpkg|adduser|passwd|tar|usrmerge|debconf|init-system-helpers|lsb-base|libpam|sysvinit-utils|gcc-)/;
const unneededFolders = ['doc', 'man', 'locale', 'bug', 'lintian', 'info'];

export interface Recipe {
  /** Distribution suites to take packages from, the wanted one first. */
  readonly suites: readonly string[];
  readonly packages: readonly string[];
  /** Links to make, by path, to what. */
  readonly links?: Readonly<Record<string, string>>;
  /** Files of our own to copy, by path in the image. */
  readonly files?: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** The version that the first package must have, such as '7.0'. */
  readonly version?: string;
  readonly repo: string;
  readonly tag: string;
}

/** Whether this machine has the tools and the sources to assemble images from Debian packages. */
export const canAssemble = (): boolean => existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg-deb') && existsSync(keyring);

/**
 * Makes a small image of distribution packages: a private apt state resolves and verifies them, they are unpacked side
 * by side into one root, and that is imported. Nothing of it touches the machine's own packages.
 */
export async function assemble(docker: Docker, recipe: Recipe): Promise<void> {
  const cache = path.join(packageRoot, 'results', '.cache');
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(path.join(cache, 'image-'));
  try {
    const archives = await download(work, recipe);
    const root = path.join(work, 'root');
    await unpack(root, archives, recipe);
    const archive = path.join(work, 'image.tar');
    await run('tar', ['-C', root, '-cf', archive, '.']);
    const changes = [
      `CMD ${JSON.stringify(recipe.command)}`,
      'WORKDIR /data',
      'LABEL slotquake.image=1',
      ...labelOf(recipe, archives),
      'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ];
    const stream = await docker.importImage(createReadStream(archive) as never, { repo: recipe.repo, tag: recipe.tag, changes });
    await finish(docker, `importing ${recipe.repo}:${recipe.tag}`, 60_000, stream as NodeJS.ReadableStream);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The file of a package names its version, which begins with the engine's own: redis-server_5%3a7.0.15-1~deb12u5_amd64.deb. */
function labelOf({ version, packages: [server = ''] }: Recipe, archives: readonly string[]): string[] {
  const file = archives.map((archive) => path.basename(archive)).find((name) => name.startsWith(`${server}_`)) ?? '';
  const [, exact] = /_(?:\d+%3a)?(\d+\.\d+\.\d+)/.exec(file) ?? [];
  if (version === undefined || exact === undefined) return [];
  return [`LABEL ${engineLabel}="${server.startsWith('valkey') ? 'Valkey' : 'Redis'} server v=${exact}"`];
}

async function download(work: string, { suites, packages, version }: Recipe): Promise<string[]> {
  const at = (...parts: string[]): string => path.join(work, 'apt', ...parts);
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'etc/apt.conf.d', 'etc/preferences.d'])
    await mkdir(at(folder), { recursive: true });
  const mirror = await debianMirror();
  await writeFile(at('sources.list'), `${suites.map((suite) => `deb [signed-by=${keyring}] ${mirror} ${suite} main`).join('\n')}\n`);
  await writeFile(at('status'), '');
  const options = {
    'Dir::State': at('state'),
    'Dir::State::status': at('status'),
    'Dir::Cache': at('cache'),
    'Dir::Etc': at('etc'),
    'Dir::Etc::SourceList': at('sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'APT::Install-Recommends': 'false',
    'APT::Default-Release': suites[0] as string,
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
    'Acquire::Retries': '3',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...flags, '-qq', 'update'], { maxBuffer: 2 ** 26 });
  if (version !== undefined) {
    const { stdout } = await run('apt-cache', [...flags, 'policy', packages[0] as string]);
    const candidate = /Candidate: (?:\d+:)?(\S+)/.exec(stdout)?.[1] ?? 'nothing';
    if (!candidate.startsWith(`${version}.`))
      throw new SlotquakeError(
        `expected ${packages[0]} ${version} in the distribution's suite ${suites[0]}, but it carries ${candidate} now`,
      );
  }
  await run('apt-get', [...flags, '-qq', '-y', '--download-only', 'install', ...packages], { maxBuffer: 2 ** 26 });
  const folder = at('cache/archives');
  return (await readdir(folder)).filter((file) => file.endsWith('.deb') && !unneeded.test(file)).map((file) => path.join(folder, file));
}

async function unpack(root: string, archives: readonly string[], { links = {}, files = {} }: Recipe): Promise<void> {
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(path.join(root, 'usr', folder), { recursive: true });
    // Packages of every age unpack into one merged /usr.
    await symlink(`usr/${folder}`, path.join(root, folder));
  }
  for (const folder of ['etc', 'data', 'proc', 'sys', 'dev', 'run', 'tmp', 'root'])
    await mkdir(path.join(root, folder), { recursive: true });
  await chmod(path.join(root, 'tmp'), 0o1777);
  for (const archive of archives) {
    await run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink', 'sh', archive, root]).catch(() => {
      throw new SlotquakeError(`the package ${path.basename(archive)} could not be unpacked`);
    });
  }
  for (const folder of unneededFolders) await rm(path.join(root, 'usr/share', folder), { recursive: true, force: true });
  await writeFile(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nredis:x:999:999::/data:/bin/sh\n');
  for (const [file, source] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await copyFile(source, path.join(root, file));
    await chmod(path.join(root, file), 0o644);
  }
  const { stdout } = await run(path.join(root, 'usr/bin/busybox'), ['--list']);
  const wanted = {
    ...Object.fromEntries(
      stdout
        .split('\n')
        .filter(Boolean)
        .map((applet) => [`usr/bin/${applet}`, '/usr/bin/busybox']),
    ),
    ...links,
  };
  for (const [link, target] of Object.entries(wanted)) {
    const twin = link.replace('usr/bin/', 'usr/sbin/');
    if (!(await isTaken(path.join(root, link))) && !(await isTaken(path.join(root, twin)))) await symlink(target, path.join(root, link));
  }
}

/** Looks at the name itself: a link inside the root points at the container's paths, which are not this machine's. */
const isTaken = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  );

/** The Debian mirror that this machine's own apt uses. */
async function debianMirror(): Promise<string> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']).catch(() => ({
    stdout: '',
  }));
  const mirror = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (!mirror)
    throw new SlotquakeError(
      "expected a Debian mirror in this machine's apt configuration, found none; make a registry reachable or name a local image with --engine",
    );
  return mirror;
}
