import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type Docker from 'dockerode';
import { messageOf, SlotquakeError } from './base/errors.ts';
import { didYouMean } from './base/nearest.ts';
import { within } from './base/poll.ts';
import { connect } from './driver/endpoint.ts';
import { assemble, canAssemble, type Recipe } from './image/debian.ts';
import { finish } from './image/progress.ts';
import { packageRoot } from './version.ts';

/** Engines that we can assemble where no registry answers: the distribution suites that carry them. */
const suites: Readonly<Record<string, readonly string[]>> = {
  'redis:6.0': ['bullseye'],
  'redis:7.0': ['bookworm'],
  'redis:8.0': ['trixie'],
  'valkey:8.0': ['bookworm-backports', 'bookworm'],
  'valkey:8.1': ['trixie'],
  'valkey:9.1': ['sid'],
};
export const knownEngines = Object.keys(suites);
export const defaultEngine = 'redis:7.0';

/** An unreachable registry must not hold a drill up. */
const pullWithinMs = 120_000;

const toolboxFolder = path.join(packageRoot, 'compose', 'toolbox');
/** Programs of ours that faults run beside a node. */
const programs = ['hold.py', 'answer.py'];
const toolbox: Omit<Recipe, 'tag'> = {
  suites: ['bookworm'],
  // A shell of its own: busybox's runs its own `tc` and `ip`, which know no netem, before those in the PATH.
  packages: ['iptables', 'iproute2', 'dash', 'busybox-static', 'python3-minimal'],
  // The nft variant works with NET_ADMIN alone; the legacy one would need NET_RAW as well.
  links: {
    'usr/bin/sh': 'dash',
    ...Object.fromEntries(['iptables', 'iptables-save', 'iptables-restore'].map((name) => [`usr/sbin/${name}`, 'xtables-nft-multi'])),
  },
  files: Object.fromEntries(programs.map((file) => [`usr/lib/slotquake/${file}`, path.join(toolboxFolder, file)])),
  command: ['sleep', '2147483647'],
  repo: 'slotquake/toolbox',
};
/** Named after all that goes into it, so that an older toolbox is never taken for today's. */
const toolboxTag = [
  JSON.stringify(toolbox, (_, value: unknown) => (typeof value === 'string' ? path.basename(value) : value)),
  ...['Dockerfile', ...programs].map((file) => readFileSync(path.join(toolboxFolder, file), 'utf8')),
]
  .reduce((hash, part) => hash.update(part), createHash('sha256'))
  .digest('hex')
  .slice(0, 8);
export const toolboxImage = `${toolbox.repo}:${toolboxTag}`;

/** What a registry calls it: 'valkey:8.1' is short for 'valkey/valkey:8.1'; any other reference stands for itself. */
export const officialImage = (spec: string): string => spec.replace(/^valkey:/, 'valkey/valkey:');

function engineRecipe(spec: string): Recipe {
  const [kind = '', version = ''] = spec.split(':');
  return {
    suites: suites[spec] as readonly string[],
    packages: [`${kind}-server`, 'busybox-static'],
    command: [`${kind}-server`],
    version,
    repo: `slotquake/${kind}`,
    tag: version,
  };
}

/** The first lines of what an engine or a tool said, which can be long. */
const reason = (error: unknown): string => messageOf(error).trim().replace(/\s+/g, ' ').slice(0, 300);

/** An image that is on this engine afterwards: a local one, else the official one, else one assembled from packages. */
export async function resolveEngineImage(spec: string, print: (line: string) => void = () => {}): Promise<string> {
  const docker = await connect();
  const official = officialImage(spec);
  const assembled = `slotquake/${spec}`;
  for (const image of spec in suites ? [official, assembled] : [official]) if (await exists(docker, image)) return image;
  const tried: string[] = ['it is not on this machine'];
  try {
    await pull(docker, official);
    print(`set-up: pulled ${official}`);
    return official;
  } catch (error) {
    tried.push(`pulling ${official} failed (${reason(error)})`);
  }
  if (spec in suites && canAssemble()) {
    print(`set-up: assembling ${assembled} from distribution packages`);
    try {
      await assemble(docker, engineRecipe(spec));
      return assembled;
    } catch (error) {
      tried.push(`assembling ${assembled} failed (${reason(error)})`);
    }
  } else
    tried.push(
      spec in suites
        ? 'there are no distribution packages to assemble it from on this machine'
        : `only ${knownEngines.join(', ')} can be assembled from packages`,
    );
  throw new SlotquakeError(`no image for the engine ${spec}${didYouMean(spec, knownEngines)}: ${tried.join('; ')}`);
}

export async function resolveToolboxImage(print: (line: string) => void = () => {}): Promise<string> {
  const docker = await connect();
  const image = toolboxImage;
  if (await exists(docker, image)) return image;
  const tried: string[] = ['it is not on this machine'];
  const ways: readonly (readonly [doing: string, make: () => Promise<void>])[] = [
    ...(canAssemble()
      ? [[`assembling ${image} from distribution packages`, () => assemble(docker, { ...toolbox, tag: toolboxTag })] as const]
      : []),
    [`building ${image} from compose/toolbox`, () => build(docker, image)],
  ];
  for (const [doing, make] of ways) {
    print(`set-up: ${doing}`);
    try {
      await make();
      return image;
    } catch (error) {
      tried.push(`${doing} failed (${reason(error)})`);
    }
  }
  throw new SlotquakeError(`no toolbox image ${image}: ${tried.join('; ')}; make a registry or the distribution's packages reachable`);
}

/** Where this machine has no Debian packages, the engine may still reach a registry and theirs. */
async function build(docker: Docker, image: string): Promise<void> {
  const stream = await docker.buildImage({ context: toolboxFolder, src: ['Dockerfile', ...programs] }, { t: image });
  await finish(docker, `building ${image}`, pullWithinMs, stream);
}

async function exists(docker: Docker, image: string): Promise<boolean> {
  return docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

async function pull(docker: Docker, image: string): Promise<void> {
  const reference = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
  const stream = (await within(`the registry of ${image}`, 15_000, docker.pull(reference))) as NodeJS.ReadableStream;
  await finish(docker, `pulling ${image}`, pullWithinMs, stream);
}

/** Known engines with an image on this machine. */
export async function localImages(): Promise<string[]> {
  const docker = await connect();
  const found = await Promise.all(
    knownEngines.map(async (spec) =>
      (await exists(docker, officialImage(spec))) || (await exists(docker, `slotquake/${spec}`)) ? [spec] : [],
    ),
  );
  return found.flat();
}
