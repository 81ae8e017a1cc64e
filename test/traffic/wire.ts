import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { dockerDriver } from '../../src/driver/docker.ts';
import { connect } from '../../src/driver/endpoint.ts';
import { type Hosts, toolbox } from '../../src/driver.ts';
import { resolveToolboxImage } from '../../src/image.ts';
import { type Counters, type Script, shape, type Shape, shapeScript, type Traffic } from '../../src/traffic.ts';

export const meterProgram = readFileSync(path.join(import.meta.dirname, 'meter.py'), 'utf8');

/** Toolboxes on a private network, as a run has them, with a program that measures instead of an engine. */
export class Wire implements AsyncDisposable {
  readonly #hosts: Hosts;
  readonly #docker: Docker;

  private constructor(hosts: Hosts, docker: Docker) {
    this.#hosts = hosts;
    this.#docker = docker;
  }

  static async open(count: number, ports: readonly number[]): Promise<Wire> {
    const toolboxImage = await resolveToolboxImage();
    const driver = await dockerDriver();
    const hosts = await driver.provision({
      runId: `wire-${process.pid}`,
      count,
      image: toolboxImage,
      toolboxImage,
      reach: 'ports',
      memoryMb: 64,
      diskMb: 8,
      kept: false,
    });
    const wire = new Wire(hosts, await connect());
    try {
      for (const { name } of hosts.hosts) {
        await wire.run(name, `cat >/tmp/meter.py <<'METER'\n${meterProgram}\nMETER`);
        for (const port of ports) await wire.run(name, `setsid python3 /tmp/meter.py serve ${port} >/tmp/${port} 2>&1 </dev/null &`);
        for (const port of ports) await wire.run(name, `until grep -q serving /tmp/${port}; do sleep 0.05; done`);
      }
    } catch (error) {
      await hosts.remove();
      throw error;
    }
    return wire;
  }

  address(node: string): string {
    return this.#hosts.hosts.find(({ name }) => name === node)?.address.split(':')[0] as string;
  }

  /** The output of a script that must succeed. */
  async run(node: string, script: string): Promise<string> {
    const { exitCode, output } = await this.#hosts.perform(toolbox(node, script));
    if (exitCode !== 0) throw new Error(`expected exit code 0 of ${node}, got ${exitCode}: ${output}\n${script}`);
    return output;
  }

  /** What the meter prints in a node; apart from the node's shell, whose commands are short. */
  async meter(node: string, words: string): Promise<string> {
    const toolboxName = this.#hosts.hosts.find(({ name }) => name === node)?.toolbox as string;
    const exec = await this.#docker
      .getContainer(toolboxName)
      .exec({ Cmd: ['sh', '-c', `python3 /tmp/meter.py ${words}`], User: '0:0', AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({});
    const output = new PassThrough();
    this.#docker.modem.demuxStream(stream, output, output);
    stream.on('end', () => output.end());
    const said = await text(output);
    const { ExitCode } = await exec.inspect();
    if (ExitCode !== 0) throw new Error(`expected the meter to measure (${words}), got ${ExitCode}: ${said}`);
    return said.trim();
  }

  async #measure(words: string): Promise<(number | null)[]> {
    return JSON.parse((await this.meter('node-1', words)).replaceAll('None', 'null')) as (number | null)[];
  }

  /** Round trips of node-1 to another node over one TCP connection, in ms. */
  async rtt(to: string, port: number, count = 31): Promise<number[]> {
    return (await this.#measure(`rtt ${this.address(to)} ${port} ${count} 0`)) as number[];
  }

  /** UDP echoes of node-1, sent at a steady pace that does not wait for answers: ms, or null for those that never came. */
  spray(to: string, port: number, count: number, gapMs: number): Promise<(number | null)[]> {
    return this.#measure(`spray ${this.address(to)} ${port} ${count} ${gapMs}`);
  }

  async flood(to: string, port: number, perSecond: number, seconds: number): Promise<{ distinct: number; extra: number; late: number }> {
    const [distinct, extra, late] = await this.#measure(`flood ${this.address(to)} ${port} ${perSecond} ${seconds}`);
    return { distinct: distinct as number, extra: extra as number, late: late as number };
  }

  /** Shapes the traffic of a node until the scope ends. */
  async shaped(node: string, tag: string, traffic: Traffic, wish: Partial<Shape>, seed = 1): Promise<Shaped> {
    const script = shapeScript('nfqueue', tag, traffic, shape(wish), seed);
    await this.run(node, script.do);
    const undo = async (): Promise<void> => {
      await this.run(node, script.undo);
      const left = await this.run(node, script.residue);
      if (left !== '') throw new Error(`expected nothing of ${tag} at ${node}, got ${left}`);
    };
    return {
      script,
      undo,
      counters: async () => JSON.parse(await this.run(node, script.counters)) as Counters,
      [Symbol.asyncDispose]: undo,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#hosts.remove();
  }
}

export interface Shaped extends AsyncDisposable {
  readonly script: Script;
  undo(): Promise<void>;
  counters(): Promise<Counters>;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
