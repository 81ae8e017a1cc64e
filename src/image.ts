import type Docker from 'dockerode';
import { messageOf, SlotquakeError } from './base/errors.ts';
import { within } from './base/poll.ts';
import { connect } from './driver/endpoint.ts';
import { assemble, canAssemble, type Recipe } from './image/debian.ts';

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

/** Counts up with the recipe, so that an older toolbox is not taken for a new one. */
const toolboxVersion = '1';
/** An unreachable registry must not hold a drill up. */
const pullWithinMs = 120_000;

const toolboxRecipe: Recipe = {
  suites: ['bookworm'],
  packages: ['iptables', 'iproute2', 'busybox-static'],
  // The nft variant works with NET_ADMIN alone; the legacy one would need NET_RAW as well.
  links: Object.fromEntries(['iptables', 'iptables-save', 'iptables-restore'].map((name) => [`usr/sbin/${name}`, 'xtables-nft-multi'])),
  command: ['sleep', '2147483647'],
  repo: 'slotquake/toolbox',
  tag: toolboxVersion,
};

/** The official name of a known engine; any other reference stands for itself. */
export const officialImage = (spec: string): string => (spec in suites ? spec.replace(/^valkey:/, 'valkey/valkey:') : spec);

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
    tried.push(`pulling ${official} failed (${messageOf(error).slice(0, 160)})`);
  }
  if (spec in suites && canAssemble()) {
    print(`set-up: assembling ${assembled} from distribution packages`);
    await assemble(docker, engineRecipe(spec));
    return assembled;
  }
  tried.push(
    spec in suites
      ? 'there are no distribution packages to assemble it from on this machine'
      : `only ${knownEngines.join(', ')} can be assembled from packages`,
  );
  throw new SlotquakeError(`no image for the engine ${spec}: ${tried.join('; ')}`);
}

export async function resolveToolboxImage(print: (line: string) => void = () => {}): Promise<string> {
  const docker = await connect();
  const image = `${toolboxRecipe.repo}:${toolboxRecipe.tag}`;
  if (await exists(docker, image)) return image;
  if (!canAssemble())
    throw new SlotquakeError(
      `no toolbox image: ${image} is not on this machine and there are no distribution packages to assemble it from; build it with \`docker build -t ${image} compose/toolbox\``,
    );
  print(`set-up: assembling ${image} from distribution packages`);
  await assemble(docker, toolboxRecipe);
  return image;
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
  await within(
    `pulling ${image}`,
    pullWithinMs,
    new Promise<void>((resolve, reject) => docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()))),
  );
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
