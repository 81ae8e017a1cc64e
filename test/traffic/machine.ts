import { execFile, spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { extract } from 'tar-stream';
import { runLabel } from '../../src/driver/docker.ts';
import { connect } from '../../src/driver/endpoint.ts';
import { ownName } from '../../src/driver/owner.ts';
import { resolveToolboxImage } from '../../src/image.ts';
import { packageRoot } from '../../src/version.ts';

const run = promisify(execFile);
const cache = path.join(packageRoot, 'results', '.cache');
const emulator = 'qemu-system-x86_64';
/** What the netem way needs of a kernel, in the order that it can be loaded. */
const modules = ['veth', 'ifb', 'sch_ingress', 'sch_netem', 'cls_u32', 'act_mirred'];

export const hasEmulator = (): Promise<boolean> =>
  run(emulator, ['--version']).then(
    () => true,
    () => false,
  );

/** Undefined where there is one, or where one can be installed. */
export async function whyNoEmulator(): Promise<string | undefined> {
  if (process.arch !== 'x64') return `the emulated kernel is of x64, and this machine is ${process.arch}`;
  const system = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  if (!/^ID=debian$/m.test(system)) return "the emulated kernel is one of Debian's packages, and this machine is no Debian";
  if (await hasEmulator()) return undefined;
  if (process.env['SLOTQUAKE_INSTALL_EMULATOR'] === 'no') return `${emulator} is not installed, and SLOTQUAKE_INSTALL_EMULATOR=no`;
  if (process.getuid?.() !== 0) return `${emulator} is not installed, and only root can have it installed; install qemu-system-x86 by hand`;
  return undefined;
}

export async function installEmulator(): Promise<void> {
  console.log('set-up: installing qemu-system-x86 with apt-get, for the tests of netem (SLOTQUAKE_INSTALL_EMULATOR=no refuses this)');
  const apt = (...words: string[]): Promise<unknown> =>
    run('apt-get', ['-qq', '-y', ...words], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 2 ** 26 });
  try {
    await apt('update');
    await apt('install', '--no-install-recommends', 'qemu-system-x86');
  } catch (error) {
    throw new Error('expected to install qemu-system-x86 with apt-get, which failed; install it by hand', { cause: error });
  }
}

export interface Step {
  readonly name: string;
  readonly script: string;
}
export interface Answer {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * Boots a distribution's kernel in an emulator, with our toolbox as its root, and runs the steps one after the other in
 * the network namespace `node`, which a veth pair joins to `peer`. Nothing is installed on this machine.
 */
export async function runInMachine(
  prelude: string,
  files: Readonly<Record<string, string>>,
  steps: readonly Step[],
): Promise<Map<string, Answer>> {
  const kernel = await fetchKernel();
  const work = await mkdtemp(path.join(cache, 'machine-'));
  try {
    const archive = path.join(work, 'root.cpio');
    const loaded = await Promise.all(
      modules.map(async (name) => [`modules/${name}.ko`, await readFile(path.join(kernel, `${name}.ko`))] as const),
    );
    await writeArchive(archive, [
      ...loaded,
      ...Object.entries(files),
      ['init', init(prelude, steps)],
      ...steps.map(({ script }, index) => [`steps/${index}`, script] as const),
    ]);
    const machine = spawn(
      emulator,
      [
        '-nographic',
        '-no-reboot',
        '-nic',
        'none',
        '-m',
        '384',
        '-accel',
        'tcg',
        '-cpu',
        'max',
        '-kernel',
        path.join(kernel, 'vmlinuz'),
      ].concat(['-initrd', archive, '-append', 'console=ttyS0 quiet loglevel=1 panic=-1']),
      { stdio: ['ignore', 'pipe', 'inherit'], timeout: 200_000, killSignal: 'SIGKILL' },
    );
    const said = (await text(machine.stdout)).replaceAll('\r', '');
    const answers = new Map<string, Answer>();
    for (const [, name = '', output = '', exitCode] of said.matchAll(/^@@begin (.*)\n([^]*?)@@end (\d+)$/gm))
      answers.set(name, { exitCode: Number(exitCode), output: output.trim() });
    const missing = steps.find(({ name }) => !answers.has(name));
    if (missing) throw new Error(`expected the machine to answer '${missing.name}', it said: ${said.slice(-2_000)}`);
    return answers;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const init = (prelude: string, steps: readonly Step[]): string => `#!/bin/sh
export PATH=/usr/sbin:/usr/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run; mkdir -p /run/netns
# Not the empty file that stands in for it in an image.
exec </dev/null >/dev/console 2>&1
for module in ${modules.join(' ')}; do insmod /modules/$module.ko; done
${prelude}
index=0
while [ $index -lt ${steps.length} ]; do
  case $index in
${steps.map(({ name }, index) => `  ${index}) name='${name}';;`).join('\n')}
  esac
  printf '\\n@@begin %s\\n' "$name"
  ip netns exec node sh /steps/$index </dev/null 2>&1
  printf '\\n@@end %d\\n' $?
  index=$((index + 1))
done
poweroff -f
`;

/** The folder with a kernel and its modules, unpacked from the distribution's package and kept. */
async function fetchKernel(): Promise<string> {
  const { stdout } = await run('apt-cache', ['depends', '--important', 'linux-image-cloud-amd64']).catch(() => ({ stdout: '' }));
  const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (name === undefined) {
    const kept = existsSync(cache) ? (await readdir(cache)).find((folder) => folder.startsWith('linux-image-')) : undefined;
    if (kept) return path.join(cache, kept);
    throw new Error(
      "expected the package linux-image-cloud-amd64 in this machine's apt sources, found none; run apt-get update, or use Debian",
    );
  }
  const folder = path.join(cache, name);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(path.join(cache, 'kernel-'));
  try {
    await run('apt-get', ['-qq', '-o', 'APT::Sandbox::User=root', 'download', name], { cwd: work });
    const [archive = ''] = await readdir(work);
    await run('dpkg-deb', ['-x', archive, 'root'], { cwd: work });
    const wanted = path.join(work, 'wanted');
    await mkdir(wanted);
    const all = await readdir(path.join(work, 'root'), { recursive: true });
    for (const file of all) {
      const base = path.basename(file);
      if (base.startsWith('vmlinuz-')) await cp(path.join(work, 'root', file), path.join(wanted, 'vmlinuz'));
      if (modules.some((module) => base === `${module}.ko`)) await cp(path.join(work, 'root', file), path.join(wanted, base));
    }
    await rename(wanted, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** The toolbox image's files and ours, as the archive that a kernel unpacks into its first root ("newc"). */
async function writeArchive(archive: string, files: readonly (readonly [name: string, content: string | Buffer])[]): Promise<void> {
  const docker = await connect();
  const container = await docker.createContainer({
    Image: await resolveToolboxImage(),
    Labels: { [runLabel]: `machine-${process.pid}`, 'slotquake.owner': ownName() },
  });
  const out = createWriteStream(archive);
  let inode = 1;
  const add = (name: string, mode: number, content: Buffer): void => {
    const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
    const fields = [inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    out.write(padded(Buffer.from(header)));
    out.write(padded(content));
  };
  const kinds: Readonly<Record<string, number>> = { file: 0o100_000, directory: 0o040_000, symlink: 0o120_000 };
  try {
    const image = extract();
    ((await container.export()) as NodeJS.ReadableStream).pipe(image);
    // Hard links are not kept: the image has none.
    for await (const entry of image) {
      const { name, type, mode, linkname } = entry.header;
      const content = await buffer(entry as AsyncIterable<Buffer>);
      const kind = kinds[type as string];
      if (kind !== undefined)
        add(name.replace(/^\.?\/|\/$/g, '') || '.', kind | (mode ?? 0o755), linkname ? Buffer.from(linkname) : content);
    }
  } finally {
    await container.remove({ force: true });
  }
  for (const folder of new Set(files.map(([name]) => path.dirname(name)).filter((name) => name !== '.')))
    add(folder, 0o040_755, Buffer.alloc(0));
  for (const [name, content] of files) add(name, 0o100_755, Buffer.from(content));
  add('TRAILER!!!', 0, Buffer.alloc(0));
  await new Promise<void>((resolve, reject) => out.on('error', reject).end(() => resolve()));
}
