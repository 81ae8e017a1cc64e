import { type Duplex, PassThrough, type Readable } from 'node:stream';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { messageOf, SlotquakeError, UsageError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { poll, within } from '../base/poll.ts';
import { together } from '../base/together.ts';
import {
  type Command,
  type CommandResult,
  type Driver,
  type Host,
  type Hosts,
  type HostsSpec,
  type HostState,
  ipOf,
  type Leftover,
  type Place,
  type Reach,
  toolboxMemoryMb,
} from '../driver.ts';
import { identify } from './container/identify.ts';
import { parseLogLine } from './container/log-line.ts';
import { placeScript, placeSysctls, portTo } from './container/place.ts';
import { runAlone, runBeside, surgeonLabel } from './container/one-shot.ts';
import { ContainerShell, quote } from './container/shell.ts';
import { addressOf, lookupScript } from './container/lookup.ts';
import { addressIn, candidates, isLocalAddress, localNetworks, overlaps, rangeOf } from './container/subnet.ts';
import { usageIn } from './container/usage.ts';
import { reachEngine } from './endpoint.ts';
import { endShells, placesOf } from './fence.ts';
import { type Deed, interpret, notAsked, type Primitives, type Script } from './interpreter.ts';
import { isAlive, ownName } from './owner.ts';

/** Everything we create carries the run's id under this name; nothing without it is ever touched. */
export const runLabel = 'slotquake.run';
const labels = {
  node: 'slotquake.node',
  part: 'slotquake.part',
  kept: 'slotquake.kept',
  owner: 'slotquake.owner',
  address: 'slotquake.address',
  gateway: 'slotquake.gateway',
  memory: 'slotquake.memory-bytes',
};
const clientPort = 6379;
/** A shell that waits also buries the orphans of what faults start in the background. */
const waiting = ['sh', '-c', 'while :; do sleep 2147483647 & wait; done'];
/** Without NoCopy whoever mounts it while it is empty gives it the owner that the folder has in his image. */
const dataIn = (volume: string): Docker.MountSettings => ({
  Type: 'volume',
  Source: volume,
  Target: '/data',
  VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
});
const [written, refused] = ['written', 'refused'];
/**
 * What a toolbox does first: it unpacks the files of its node as they come in. An archive that the container engine is given
 * starts that engine anew to unpack it, which takes as long as a container.
 */
const unpacking = ['sh', '-c', `tar -x -C /data && echo ${written} || echo ${refused}; exec ${quote(waiting)}`];
const cpuPeriodUs = 100_000;
/** A lookup that nobody answers is given up after 2 s; by default it takes 5 s twice (resolv.conf(5)). Scaled like all times here. */
const resolverOptions = ['timeout:2', 'attempts:1'];
/** What a script or a deed of the container engine may take before it counts as failed. */
const scriptWithinMs = 8_000;
const deedWithinMs = 15_000;
/** How long a toolbox that runs may take to unpack the files of its node, which are few and small. */
const filesWithinMs = 15_000;
/** How long an engine may take to end of a signal. */
const endWithinMs = 5_000;
/** The uid that the official images run the engine as; our assembled ones have the same. */
const engineUid = 999;

/** Containers of a plain Docker engine, 20.10 or later, through its API. */
export async function dockerDriver(): Promise<Driver> {
  const { docker, version } = await reachEngine();
  return {
    name: 'docker',
    version,
    identify: (image, runId) => identify(docker, image, runId),
    consult: (image, runId, script) => runAlone(docker, image, runId, script),
    provision: (spec, signal) => provision(docker, spec, signal),
    adopt: (runId) => adopt(docker, runId),
    leftovers: () => leftovers(docker),
  };
}

async function provision(docker: Docker, spec: HostsSpec, signal?: AbortSignal): Promise<Hosts> {
  const names = [
    ...Array.from({ length: spec.count }, (_, index) => `node-${index + 1}`),
    ...Array.from({ length: spec.spares ?? 0 }, (_, index) => `spare-${index + 1}`),
  ];
  const placeNames = Array.from({ length: spec.places ?? 0 }, (_, index) => `client-${index + 1}`);
  const needMb = names.length * (spec.memoryMb + toolboxMemoryMb + spec.diskMb) + placeNames.length * toolboxMemoryMb;
  const haveMb = Math.floor(((await docker.info()) as { MemTotal: number }).MemTotal / 2 ** 20);
  if (needMb > haveMb) {
    throw new SlotquakeError(
      `${names.length} nodes of ${spec.memoryMb} MB need ${needMb} MB with their disks, toolboxes and places, but the engine has ${haveMb} MB; free some or lower --memory`,
    );
  }
  const common = { [runLabel]: spec.runId, [labels.kept]: spec.kept ? 'yes' : 'no', [labels.owner]: ownName() };
  const network = await createNetwork(docker, spec, common);
  const reach = spec.reach === 'auto' ? (isLocalAddress(addressIn(network.subnet, 1)) ? 'address' : 'ports') : spec.reach;
  signal?.throwIfAborted();
  const toolboxes = await together(names, async (name, index) => {
    const ip = addressIn(network.subnet, 11 + index);
    const volume = `slotquake-${spec.runId}-${name}`;
    const mine = {
      ...common,
      [labels.node]: name,
      [labels.address]: `${ip}:${clientPort}`,
      [labels.gateway]: addressIn(network.subnet, 1),
      [labels.memory]: `${spec.memoryMb * 2 ** 20}`,
    };
    // A tmpfs of fixed size is a disk that can be full. It lives as long as one container mounts it: the toolbox
    // does, so the data survives a restart of the engine.
    await docker.createVolume({
      Name: volume,
      Driver: 'local',
      DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: `size=${spec.diskMb}m,uid=${engineUid},gid=${engineUid},mode=0770` },
      Labels: mine,
    });
    const container = await docker.createContainer({
      name: `slotquake-${spec.runId}-${name}-toolbox`,
      Image: spec.toolboxImage,
      Entrypoint: unpacking,
      User: `${engineUid}:${engineUid}`,
      OpenStdin: true,
      StdinOnce: true,
      Labels: { ...mine, [labels.part]: 'toolbox' },
      ExposedPorts: { [`${clientPort}/tcp`]: {} },
      StopSignal: 'SIGKILL',
      HostConfig: {
        CapDrop: ['ALL'],
        CapAdd: ['NET_ADMIN'],
        // What a fault writes to the disk is charged to who writes it.
        Memory: (toolboxMemoryMb + spec.diskMb) * 2 ** 20,
        NetworkMode: network.name,
        DnsOptions: resolverOptions,
        Mounts: [dataIn(volume)],
        ...(reach === 'ports' ? { PortBindings: bindings([clientPort]) } : {}),
      },
      NetworkingConfig: { EndpointsConfig: { [network.name]: { Aliases: [name], IPAMConfig: { IPv4Address: ip } } } },
    });
    const pipe = (await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true })) as Duplex;
    // Whoever writes into it hears of what breaks; it may also break while nobody does.
    pipe.on('error', () => {});
    return { name, volume, container, ip, pipe };
  });
  const stands = await together(placeNames, (name, index) =>
    createStand(docker, spec, {
      name,
      address: addressIn(network.subnet, 11 + names.length + index),
      network: network.name,
      reach,
      ports: names.map(portTo),
      common,
    }),
  );
  const joining = await Joining.open(docker, network.name, [...toolboxes, ...stands]);
  // A port is known when its container runs; an address was chosen before, and nobody has to wait for its container.
  if (reach === 'ports') await joining.all();
  const hosts = await together(toolboxes, async ({ name, container, ip }): Promise<Host> => ({
    name,
    container: `slotquake-${spec.runId}-${name}`,
    toolbox: `slotquake-${spec.runId}-${name}-toolbox`,
    address: `${ip}:${clientPort}`,
    gateway: addressIn(network.subnet, 1),
    dial: reach === 'ports' ? dialPublished(await publishedPorts(container, [clientPort]), clientPort) : { host: ip, port: clientPort },
    memoryBytes: spec.memoryMb * 2 ** 20,
  }));
  const places = await together(stands, async ({ name, address, container }) =>
    placeAt(name, address, reach === 'ports' ? await publishedPorts(container, names.map(portTo)) : null),
  );
  return new DockerHosts(
    docker,
    spec.runId,
    hosts,
    places,
    reach,
    network.subnet,
    { ...common },
    { spec, joining, pipes: new Map(toolboxes.map(({ name, pipe }) => [name, pipe])) },
  );
}

/** How many containers are on their way into their network at a time: more do not come sooner, and all of them late. */
const atOnce = 2;

/**
 * Containers that start in turn. Engines up to 27 count the endpoints of a network wrongly where several join or leave at once
 * (libnetwork endpoint_cnt.go), and then never remove it; so each begins when the one before it has joined, which an engine tells
 * well before that one runs. What does not join, such as the engine of a node, may start beside them.
 */
class Joining {
  readonly #stop = new AbortController();
  readonly #running = new Map<string, Promise<void>>();

  static async open(docker: Docker, network: string, members: readonly Member[]): Promise<Joining> {
    const joined = new Map(members.map(({ container }) => [container.id, Promise.withResolvers<void>()]));
    const filters = { type: ['network'], event: ['connect'], network: [network] };
    const events = await followEvents(docker, filters, ({ container = '' }) => joined.get(container)?.resolve());
    const joining = new Joining(members, ({ id }) => joined.get(id)?.promise);
    void Promise.allSettled(joining.#running.values()).then(() => events[Symbol.dispose]());
    return joining;
  }

  private constructor(members: readonly Member[], joined: (container: Docker.Container) => Promise<void> | undefined) {
    const starts: Promise<void>[] = [];
    let before = Promise.resolve();
    for (const { name, container } of members) {
      const running = Promise.all([before, starts.at(-atOnce)]).then(async () => {
        this.#stop.signal.throwIfAborted();
        await container.start();
      });
      starts.push(running);
      this.#running.set(name, running);
      // Who runs has joined, whatever is told; who cannot start holds up all after it.
      before = Promise.race([running, joined(container) ?? running]);
      before.catch(() => {});
    }
  }

  /** Resolves when this one runs. One that could not start fails all after it. */
  async of(name: string): Promise<void> {
    await this.#running.get(name);
  }

  async all(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** None starts any more once this has resolved. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#running.values());
  }
}

/** A container that is to join its network. */
interface Member {
  readonly name: string;
  readonly container: Docker.Container;
}

type Attributes = Readonly<Record<string, string>>;

/** Calls `on` with what each such event of the engine tells, until it is closed. */
async function followEvents(
  docker: Docker,
  filters: Readonly<Record<string, readonly string[]>>,
  on: (attributes: Attributes, event: { readonly Action: string; readonly time: number }) => void,
): Promise<Disposable> {
  const stream = (await docker.getEvents({ filters: filters as Record<string, string[]> })) as Readable;
  let open = true;
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of open ? lines : []) {
      const event = JSON.parse(line) as { Action: string; time: number; Actor: { Attributes: Attributes } };
      on(event.Actor.Attributes, event);
    }
  });
  return {
    [Symbol.dispose]: () => {
      open = false;
      stream.destroy();
    },
  };
}

/** What only the process that made the containers of a run has of them. */
interface Provisioned {
  readonly spec: HostsSpec;
  readonly joining: Joining;
  /** What goes into each toolbox, and what that says. */
  readonly pipes: ReadonlyMap<string, Duplex>;
}

/** Resolves when the toolbox at the other end has unpacked them into the data directory. */
async function writeFiles(pipe: Duplex, files: Readonly<Record<string, string>>): Promise<void> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o644 }, content);
  archive.finalize();
  archive.pipe(pipe as never);
  let said = '';
  for await (const chunk of pipe) {
    said += String(chunk);
    if (said.includes(written)) return;
    if (said.includes(refused)) break;
  }
  throw new SlotquakeError(
    `the toolbox could not unpack the files of its node: ${said.trim() || 'it said nothing'}; see \`slotquake doctor\``,
  );
}

interface PlaceSpec {
  readonly name: string;
  readonly address: string;
  readonly network: string;
  readonly reach: Reach;
  readonly ports: readonly number[];
  readonly common: Readonly<Record<string, string>>;
}

/** The container of a place, not started yet. */
interface Stand {
  readonly name: string;
  readonly address: string;
  readonly container: Docker.Container;
}

async function createStand(docker: Docker, spec: HostsSpec, { name, address, network, reach, ports, common }: PlaceSpec): Promise<Stand> {
  const container = await docker.createContainer({
    name: `slotquake-${spec.runId}-${name}`,
    Image: spec.toolboxImage,
    Entrypoint: waiting,
    Labels: { ...common, [labels.node]: name, [labels.address]: address, [labels.part]: 'place' },
    ExposedPorts: Object.fromEntries(ports.map((port) => [`${port}/tcp`, {}])),
    StopSignal: 'SIGKILL',
    HostConfig: {
      CapDrop: ['ALL'],
      CapAdd: ['NET_ADMIN'],
      Memory: toolboxMemoryMb * 2 ** 20,
      NetworkMode: network,
      DnsOptions: resolverOptions,
      Sysctls: placeSysctls,
      ...(reach === 'ports' ? { PortBindings: bindings(ports) } : {}),
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [name], IPAMConfig: { IPv4Address: address } } } },
  });
  return { name, address, container };
}

/** `ports` tells which port of this machine each port of the place is published as; null where it is reached by address. */
const placeAt = (name: string, address: string, ports: ReadonlyMap<number, number> | null): Place => ({
  name,
  address,
  dial: (host) => {
    const port = portTo(host.name);
    return { ...host.dial, ...(ports ? dialPublished(ports, port) : { host: address, port }) };
  },
});

const bindings = (ports: readonly number[]): Record<string, { HostIp: string; HostPort: string }[]> =>
  Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: '' }]]));

function dialPublished(ports: ReadonlyMap<number, number>, port: number): Host['dial'] {
  const here = ports.get(port);
  if (here === undefined)
    throw new SlotquakeError(`port ${port} is not published; published are ${[...ports.keys()].join(', ') || 'none'}`);
  return { host: '127.0.0.1', port: here };
}

/** The ports of this machine that these ports of the container are published as. */
async function publishedPorts(container: Docker.Container, ports: readonly number[]): Promise<ReadonlyMap<number, number>> {
  return poll(
    'published ports',
    async () => {
      const { Ports: listed } = (await container.inspect()).NetworkSettings;
      const found = new Map(ports.map((port) => [port, Number(listed[`${port}/tcp`]?.[0]?.HostPort ?? 0)]));
      const missing = ports.filter((port) => !found.get(port));
      if (missing.length > 0) throw new Error(`the engine lists none for ${missing.join(', ')}`);
      return found;
    },
    { withinMs: 5_000 },
  );
}

async function createNetwork(docker: Docker, spec: HostsSpec, common: Record<string, string>): Promise<{ name: string; subnet: string }> {
  const name = `slotquake-${spec.runId}`;
  const existing = await docker.listNetworks();
  const taken = existing.flatMap((network) =>
    (network.IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet ? [{ subnet: Subnet, by: `network ${network.Name}` }] : [])),
  );
  for (const cidr of localNetworks()) taken.push({ subnet: cidr, by: 'an interface of this machine' });
  const create = (subnet: string): Promise<unknown> =>
    docker.createNetwork({
      Name: name,
      Driver: 'bridge',
      IPAM: { Driver: 'default', Config: [{ Subnet: subnet, Gateway: addressIn(subnet, 1) }] },
      Labels: common,
      Internal: false,
    });
  if (spec.subnet !== undefined) {
    const range = rangeOf(spec.subnet);
    if (!range || range.last - range.first < 63)
      throw new UsageError(`expected --subnet as an IPv4 network of at least /26 such as 10.77.0.0/24, got ${spec.subnet}`);
    const clash = taken.find(({ subnet }) => overlaps(subnet, spec.subnet as string));
    if (clash)
      throw new UsageError(
        `the subnet ${spec.subnet} overlaps ${clash.subnet} of ${clash.by}; choose another with --subnet, or leave it out`,
      );
    await create(spec.subnet);
    return { name, subnet: spec.subnet };
  }
  let tries = 0;
  const start = [...spec.runId].reduce((hash, char) => (hash * 31 + char.charCodeAt(0)) % 12_800, 7);
  for (const subnet of candidates(
    start,
    taken.map((entry) => entry.subnet),
  )) {
    try {
      await create(subnet);
      return { name, subnet };
    } catch (error) {
      // Another run may have taken it between our look and our deed.
      if (++tries >= 20 || !/overlap/i.test(messageOf(error))) throw error;
    }
  }
  throw new SlotquakeError('no free private /24 between 10.200.0.0 and 10.249.255.0; name a free one with --subnet');
}

/** What the engine says of a container: null when it does not exist. */
async function adopt(docker: Docker, runId: string): Promise<Hosts> {
  const containers = await docker.listContainers({ all: true, filters: { label: [`${runLabel}=${runId}`] } });
  const hosts = containers
    .filter((container) => container.Labels[labels.part] === 'toolbox')
    .map((container): Host => {
      const name = container.Labels[labels.node] ?? '';
      const address = container.Labels[labels.address] ?? '';
      const published = container.Ports.find((port) => port.PublicPort && port.PrivatePort === clientPort);
      return {
        name,
        container: `slotquake-${runId}-${name}`,
        toolbox: `slotquake-${runId}-${name}-toolbox`,
        address,
        gateway: container.Labels[labels.gateway] ?? '',
        dial: published
          ? { host: '127.0.0.1', port: published.PublicPort as number }
          : { host: address.split(':')[0] ?? '', port: clientPort },
        // From the label: the limit itself may be a fault's just now.
        ...(container.Labels[labels.memory] ? { memoryBytes: Number(container.Labels[labels.memory]) } : {}),
      };
    })
    .sort((a, b) => a.name.localeCompare(b.name));
  const reach: Reach = hosts.some((host) => host.dial.host === '127.0.0.1') ? 'ports' : 'address';
  const places = containers
    .filter((container) => container.Labels[labels.part] === 'place')
    .map(({ Labels, Ports }) =>
      placeAt(
        Labels[labels.node] ?? '',
        Labels[labels.address] ?? '',
        reach === 'ports' ? new Map(Ports.filter((port) => port.PublicPort).map((port) => [port.PrivatePort, port.PublicPort])) : null,
      ),
    )
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return new DockerHosts(docker, runId, hosts, places, reach, '', {}, null);
}

class DockerHosts implements Hosts {
  readonly runId: string;
  readonly hosts: readonly Host[];
  readonly places: readonly Place[];
  readonly reach: Reach;
  readonly subnet: string;
  readonly #docker: Docker;
  readonly #labels: Record<string, string>;
  readonly #provisioned: Provisioned | null;
  readonly #shells = new Map<string, Promise<ContainerShell>>();
  /** Nodes whose end we are about to cause. */
  readonly #expectedExits = new Set<string>();
  readonly #primitives: Primitives = {
    script: ({ run, node, script }) => this.#script(run === 'toolbox' ? this.#toolboxed(node) : this.#host(node), run, script),
    deed: (deed) => this.#do(this.#host(deed.node), deed),
    status: async (node) => (await this.#inspected(node))?.status ?? 'gone',
  };
  /** Lookups under way, by place and name: who asks for the same waits for the same answer. */
  readonly #lookups = new Map<string, Promise<void>>();

  constructor(
    docker: Docker,
    runId: string,
    hosts: readonly Host[],
    places: readonly Place[],
    reach: Reach,
    subnet: string,
    common: Record<string, string>,
    provisioned: Provisioned | null,
  ) {
    this.#docker = docker;
    this.runId = runId;
    this.hosts = hosts;
    this.places = places.map((place) => ({ ...place, dial: (host) => this.#lookingUp(place, host) }));
    this.reach = reach;
    this.subnet = subnet;
    this.#labels = common;
    this.#provisioned = provisioned;
  }

  #host(node: string): Host {
    const host = this.hosts.find((candidate) => candidate.name === node);
    if (!host)
      throw new SlotquakeError(
        `the run ${this.runId} has no container for ${node}; it has ${this.hosts.map(({ name }) => name).join(', ') || 'none'}`,
      );
    return host;
  }

  /** Where toolbox scripts of a node or a place run. */
  #toolboxed(name: string): Pick<Host, 'name' | 'container' | 'toolbox'> {
    if (!this.places.some((place) => place.name === name)) return this.#host(name);
    const container = `slotquake-${this.runId}-${name}`;
    return { name, container, toolbox: container };
  }

  #lookingUp(place: Place, host: Host): Host['dial'] {
    const dial = place.dial(host);
    if (!dial.byName) return dial;
    const key = `${place.name} ${host.name}`;
    return {
      ...dial,
      lookUp: () => {
        const underway = this.#lookups.get(key) ?? this.#lookUp(place.name, host).finally(() => this.#lookups.delete(key));
        this.#lookups.set(key, underway);
        return underway;
      },
    };
  }

  async #lookUp(place: string, host: Host): Promise<void> {
    const { output } = await this.perform({ run: 'toolbox', node: place, script: lookupScript(host.name) });
    const answer = addressOf(output);
    if (answer !== ipOf(host)) throw new Error(`getaddrinfo ${host.name} ${answer === undefined ? 'EAI_AGAIN' : `leads to ${answer}`}`);
  }

  async start(of: Parameters<Hosts['start']>[0], signal?: AbortSignal): Promise<void> {
    if (!this.#provisioned) throw new SlotquakeError('only the process that provisioned a run can start its engines');
    const { spec, joining, pipes } = this.#provisioned;
    const engines = together(this.hosts, async (host) => {
      const { files, argv } = of(host);
      const container = await this.#createEngine(host, spec, argv);
      await joining.of(host.name);
      signal?.throwIfAborted();
      await within(`the files of ${host.name}`, filesWithinMs, writeFiles(pipes.get(host.name) as Duplex, files));
      await container.start();
    });
    const places = together(this.places, async ({ name }) => {
      await joining.of(name);
      signal?.throwIfAborted();
      await this.#passOn(name);
    });
    await together([engines, places], (each) => each);
  }

  #createEngine(host: Host, spec: HostsSpec, [program = '', ...words]: readonly string[]): Promise<Docker.Container> {
    return this.#docker.createContainer({
      name: host.container,
      Image: spec.image,
      Entrypoint: [program],
      Cmd: words,
      User: `${engineUid}:${engineUid}`,
      WorkingDir: '/data',
      Labels: { ...this.#labels, [labels.node]: host.name, [labels.address]: host.address, [labels.part]: 'engine' },
      HostConfig: {
        NetworkMode: `container:${host.toolbox}`,
        Memory: spec.memoryMb * 2 ** 20,
        MemorySwap: spec.memoryMb * 2 ** 20,
        Mounts: [dataIn(host.container)],
        LogConfig: { Type: 'json-file', Config: { 'max-size': '50m' } },
      },
    });
  }

  async #passOn(place: string): Promise<void> {
    const { exitCode, output } = await this.perform({ run: 'toolbox', node: place, script: placeScript(this.hosts) });
    if (exitCode !== 0)
      throw new SlotquakeError(
        `the place ${place} cannot pass connections on (exit ${exitCode}): ${output}; it needs NAT and connection tracking in the kernel, or a cluster without places`,
      );
  }

  #shell(host: Pick<Host, 'name' | 'container' | 'toolbox'>, kind: Script['run']): Promise<ContainerShell> {
    const key = `${host.name} ${kind}`;
    const opened = this.#shells.get(key);
    if (opened) return opened;
    const container = this.#docker.getContainer(kind === 'engine' ? host.container : host.toolbox);
    const opening = ContainerShell.open(container, kind, host.name);
    this.#shells.set(key, opening);
    opening.catch(() => this.#shells.delete(key));
    return opening;
  }

  async #script(host: Pick<Host, 'name' | 'container' | 'toolbox'>, kind: Script['run'], script: string): Promise<CommandResult> {
    // A shell in a paused container can neither be opened nor asked; the next command gets a fresh one.
    try {
      await this.#provisioned?.joining.of(host.name);
      return await within(`a command at ${host.name}`, scriptWithinMs, this.#runIn(host, kind, script));
    } catch (error) {
      const key = `${host.name} ${kind}`;
      const shell = this.#shells.get(key);
      this.#shells.delete(key);
      await within('the end of it', endWithinMs, shell?.then((opened) => opened.kill()) ?? Promise.resolve()).catch(() => {});
      return notAsked(error);
    }
  }

  async #runIn(host: Pick<Host, 'name' | 'container' | 'toolbox'>, kind: Script['run'], script: string): Promise<CommandResult> {
    // What is written to a shell in a paused container is carried out when it thaws, after its own undo.
    if (kind === 'engine' && (await this.#docker.getContainer(host.container).inspect()).State.Paused)
      throw new SlotquakeError(`the engine of ${host.name} is paused`);
    const shell = await this.#shell(host, kind);
    // The engine's shell ends with its container, which may have been started again since.
    if (!shell.ended) return shell.run(script);
    this.#shells.delete(`${host.name} ${kind}`);
    return (await this.#shell(host, kind)).run(script);
  }

  async prepare(commands: readonly Command[]): Promise<void> {
    // The engine of a node may be paused or gone, and cannot be entered then.
    const rooms = placesOf(commands).filter(({ run }) => run !== 'engine');
    const entering = together(rooms, ({ run, node }) => this.#shell(this.#toolboxed(node), run));
    await within('what commands run in', scriptWithinMs, entering).catch(() => {});
  }

  perform(command: Command): Promise<CommandResult> {
    return interpret(command, this.#primitives);
  }

  async #do(host: Host, command: Deed): Promise<CommandResult> {
    try {
      return { exitCode: 0, output: (await within(`${command.run} at ${host.name}`, deedWithinMs, this.#deed(host, command))) ?? '' };
    } catch (error) {
      return notAsked(error);
    }
  }

  /** What the container engine itself does. An undo must work from any state, so what is already so is no error. */
  async #deed(host: Host, command: Deed): Promise<string | undefined> {
    const container = this.#docker.getContainer(host.container);
    const unless = (already: RegExp, deed: Promise<unknown>): Promise<unknown> =>
      deed.catch((error: { statusCode?: number }) => {
        if (error.statusCode !== 304 && !already.test(messageOf(error))) throw error;
      });
    /** An exit counts as ours only where there was something to end. */
    const expectingExit = async (deed: () => Promise<unknown>): Promise<void> => {
      if ((await container.inspect()).State.Running) this.#expectedExits.add(host.name);
      await deed();
    };
    switch (command.run) {
      case 'pause':
        await unless(/already paused/, container.pause());
        return;
      case 'unpause':
        await unless(/not paused|not running/, container.unpause());
        return;
      case 'start':
        await unless(/already started/, container.start());
        return;
      case 'stop':
        await expectingExit(() => unless(/is not running/, container.stop({ t: command.graceSeconds })));
        return;
      case 'restart':
        await expectingExit(() => container.restart({ t: 10 }));
        return;
      case 'kill':
        if (['SIGSTOP', 'SIGCONT'].includes(command.signal)) {
          await unless(/is not running/, container.kill({ signal: command.signal }));
          return;
        }
        await expectingExit(() => unless(/is not running/, container.kill({ signal: command.signal })));
        // A signal that the engine survives is no error here; what looks for its effect will say so.
        await within('its end', command.waitMs ?? endWithinMs, container.wait({ condition: 'not-running' })).catch(() => {});
        return;
      case 'limit': {
        const { memoryBytes, cpus } = command;
        await container.update({
          ...(memoryBytes === undefined ? {} : { Memory: memoryBytes ?? 0, MemorySwap: memoryBytes ?? -1 }),
          ...(cpus === undefined ? {} : { CpuPeriod: cpuPeriodUs, CpuQuota: cpus === null ? -1 : Math.round(cpus * cpuPeriodUs) }),
        });
        return;
      }
      case 'restart-policy':
        await container.update({ RestartPolicy: { Name: command.policy === 'always' ? 'always' : 'no' } });
        return;
      case 'expect': {
        const state = await this.state(host.name);
        return Object.entries(command.state)
          .filter(([name, wanted]) => ![wanted].flat().includes(state[name as keyof HostState]))
          .map(([name, wanted]) => `${host.name}: ${name} is ${state[name as keyof HostState]}, expected ${[wanted].flat().join(' or ')}`)
          .join('; ');
      }
      case 'usage':
        return JSON.stringify(usageIn(await container.stats({ stream: false, 'one-shot': true })));
      case 'surgeon': {
        const { Config } = await this.#docker.getContainer(host.toolbox).inspect();
        const { exitCode, output } = await runBeside(this.#docker, Config.Image, host.container, this.runId, command.script);
        if (exitCode !== 0) throw new SlotquakeError(output || `exit ${exitCode}`);
        return output;
      }
    }
  }

  /** What the container engine knows of a node without asking for its processes; null where it is gone. */
  async #inspected(node: string): Promise<{ readonly status: HostState['status']; readonly about: Docker.ContainerInspectInfo } | null> {
    const about = await this.#docker
      .getContainer(this.#host(node).container)
      .inspect()
      .catch((error: { statusCode?: number }) => {
        if (error.statusCode === 404) return null;
        throw error;
      });
    if (!about) return null;
    const { Paused, Restarting, Running } = about.State;
    return { status: Paused ? 'paused' : Restarting ? 'restarting' : Running ? 'running' : 'exited', about };
  }

  async state(node: string): Promise<HostState> {
    const gone = {
      status: 'gone',
      stopped: false,
      memoryBytes: null,
      cpus: null,
      policy: 'no',
      exitCode: 0,
      outOfMemory: false,
      restarts: 0,
      startedAtEpochMs: 0,
    } as const;
    const inspected = await this.#inspected(node);
    if (!inspected) return gone;
    const { status, about } = inspected;
    const { State: state, HostConfig: limits } = about;
    const container = this.#docker.getContainer(about.Id);
    // A container that is just starting has no list of processes.
    const list = status === 'running' ? await processesOf(container) : {};
    // It has ended since it was looked at.
    if (list === null) return this.state(node);
    const { Processes: processes, Titles: titles } = list;
    return {
      status,
      stopped: (processes ?? []).some((process) => process[titles?.indexOf('STAT') ?? 0]?.startsWith('T')),
      memoryBytes: limits.Memory || null,
      cpus: limits.CpuQuota && limits.CpuQuota > 0 ? limits.CpuQuota / (limits.CpuPeriod || cpuPeriodUs) : null,
      policy: limits.RestartPolicy?.Name === 'always' ? 'always' : 'no',
      exitCode: state.ExitCode,
      outOfMemory: state.OOMKilled,
      restarts: about.RestartCount,
      startedAtEpochMs: Math.max(0, Date.parse(state.StartedAt)),
    };
  }

  async fence(pid: number, commands: readonly Command[]): Promise<void> {
    await together([() => this.#endSurgeons(pid), () => endShells(pid, commands, this.#primitives)], (work) => work());
  }

  async #endSurgeons(pid: number): Promise<void> {
    const surgeons = await this.#docker.listContainers({
      all: true,
      filters: { label: [`${runLabel}=${this.runId}`, `${surgeonLabel}=${pid}`] },
    });
    await together(surgeons, ({ Id: id }) =>
      this.#docker
        .getContainer(id)
        .remove({ force: true })
        .catch(() => {}),
    );
  }

  async follow(on: Parameters<Hosts['follow']>[0]): Promise<Disposable> {
    const streams = new Set<{ destroy(): void }>();
    let open = true;
    const followLog = async (host: Host, sinceSeconds: number): Promise<void> => {
      const stream = await this.#docker
        .getContainer(host.container)
        .logs({ follow: true, stdout: true, stderr: true, timestamps: true, since: sinceSeconds });
      const output = new PassThrough().setEncoding('utf8') as PassThrough;
      this.#docker.modem.demuxStream(stream, output, output);
      let rest = '';
      output.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        if (open) for (const line of lines) if (line.trim()) on.line({ node: host.name, ...parseLogLine(line) });
      });
      streams.add(stream as unknown as { destroy(): void });
    };
    const filters = { type: ['container'], event: ['die', 'start'], label: [`${runLabel}=${this.runId}`, `${labels.part}=engine`] };
    const events = await followEvents(this.#docker, filters, (attributes, { Action, time }) => {
      const host = this.hosts.find(({ name }) => name === attributes[labels.node]);
      if (!host) return;
      if (Action === 'start') {
        this.#expectedExits.delete(host.name);
        followLog(host, time).catch((error: unknown) => log.warn({ error: messageOf(error) }, 'a log cannot be followed'));
      } else on.exit(host.name, Number(attributes['exitCode']), this.#expectedExits.delete(host.name));
    });
    await together(this.hosts, (host) => followLog(host, 0));
    return {
      [Symbol.dispose]: () => {
        open = false;
        events[Symbol.dispose]();
        for (const stream of streams) stream.destroy();
      },
    };
  }

  async remove(): Promise<void> {
    await this.#provisioned?.joining.end();
    for (const pipe of this.#provisioned?.pipes.values() ?? []) pipe.destroy();
    for (const shell of this.#shells.values()) (await shell.catch(() => null))?.[Symbol.dispose]();
    this.#shells.clear();
    await poll(
      `everything of run ${this.runId} to be gone`,
      async () => {
        const left = await removeAll(this.#docker, this.runId);
        if (left.length > 0) throw new Error(left.join(', '));
      },
      { withinMs: 30_000, everyMs: 100 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

type Processes = { readonly Processes?: string[][]; readonly Titles?: string[] };

/** What runs in a container; null where it does not run any more. */
const processesOf = (container: Docker.Container): Promise<Processes | null> =>
  (container.top({ ps_args: '-o pid,stat' }) as Promise<Processes>).catch((error: { statusCode?: number }) => {
    if (error.statusCode === 409) return null;
    throw error;
  });

/** One attempt at removing a run; returns what is still there. Containers hold volumes and networks, so they go first. */
async function removeAll(docker: Docker, runId: string): Promise<string[]> {
  const ours = { filters: { label: [`${runLabel}=${runId}`] } };
  const containers = await docker.listContainers({ all: true, ...ours });
  const errors: string[] = [];
  const attempt = (what: string, work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: { statusCode?: number }) => {
      if (error.statusCode === 404) return;
      const miscounted = containers.length === 0 && /active endpoints/.test(messageOf(error));
      errors.push(
        `${what} (${messageOf(error).trim()}${miscounted ? '; no container is left, so only a restart of the engine ends this' : ''})`,
      );
    });
  const joined = `slotquake-${runId}`;
  const [members, others] = [true, false].map((isMember) =>
    containers.filter(({ NetworkSettings }) => joined in NetworkSettings.Networks === isMember),
  ) as [Docker.ContainerInfo[], Docker.ContainerInfo[]];
  const removed = (container: Docker.ContainerInfo): Promise<unknown> =>
    attempt(container.Names[0] ?? container.Id, docker.getContainer(container.Id).remove({ force: true, v: true }));
  const removing = others.map(removed);
  for (const member of members) {
    // One after another, as they joined.
    await docker
      .getNetwork(joined)
      .disconnect({ Container: member.Id, Force: true })
      .catch(() => {});
    removing.push(removed(member));
  }
  await together(removing, (each) => each);
  const volumes = (await docker.listVolumes(ours)).Volumes ?? [];
  await together(volumes, (volume) => attempt(volume.Name, docker.getVolume(volume.Name).remove()));
  const networks = await docker.listNetworks(ours);
  await together(networks, (network) => attempt(network.Name, docker.getNetwork(network.Id).remove()));
  return errors;
}

async function leftovers(docker: Docker): Promise<Leftover[]> {
  const ours = { filters: { label: [runLabel] } };
  const [containers, { Volumes: volumes }, networks] = await Promise.all([
    docker.listContainers({ all: true, ...ours }),
    docker.listVolumes(ours),
    docker.listNetworks(ours),
  ]);
  const found = [
    ...containers.map((container) => ({
      kind: 'container' as const,
      name: (container.Names[0] ?? container.Id).replace(/^\//, ''),
      labels: container.Labels,
    })),
    ...(volumes ?? []).map((volume) => ({ kind: 'volume' as const, name: volume.Name, labels: volume.Labels ?? {} })),
    ...networks.map((network) => ({ kind: 'network' as const, name: network.Name, labels: network.Labels ?? {} })),
  ];
  return [...Map.groupBy(found, (resource) => resource.labels[runLabel] ?? '')].map(([runId, resources]) => ({
    runId,
    kept: resources.some((resource) => resource.labels[labels.kept] === 'yes'),
    inUse: resources.some((resource) => isAlive(resource.labels[labels.owner] ?? '').alive),
    resources: resources.map(({ kind, name }) => ({ kind, name })),
  }));
}
