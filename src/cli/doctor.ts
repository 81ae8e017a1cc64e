import { statfsSync } from 'node:fs';
import { styleText } from 'node:util';
import type Docker from 'dockerode';
import { messageOf } from '../base/errors.ts';
import { connect } from '../driver/endpoint.ts';
import { dockerDriver } from '../driver/docker.ts';
import { runInToolbox } from '../driver/container/one-shot.ts';
import { defaultEngine, knownEngines, localImages, resolveToolboxImage } from '../image.ts';
import { hasNetemScript, shape, shapeScript } from '../traffic.ts';
import { detourScript } from '../traffic/detour.ts';
import { packageRoot } from '../version.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'degraded' | 'missing';
  readonly found: string;
  readonly remedy?: string;
}

const gigabyte = 2 ** 30;

/** Every prerequisite with its state and its remedy. Always answers; a question that fails is `missing`. */
export async function doctor(): Promise<Check[]> {
  const checks: Check[] = [{ name: 'node', status: 'ok', found: process.version }];
  const ask = async (name: string, remedy: string, question: () => Promise<Omit<Check, 'name'>>): Promise<void> => {
    try {
      checks.push({ name, ...(await question()) });
    } catch (error) {
      checks.push({ name, status: 'missing', found: messageOf(error), remedy });
    }
  };
  let docker: Docker | undefined;
  await ask('engine', 'install and start Docker 20.10 or later, or set DOCKER_HOST', async () => {
    docker = await connect();
    const { Version, ApiVersion, Os, Arch } = await docker.version();
    return { status: 'ok', found: `${Version}, API ${ApiVersion}, ${Os}/${Arch}` };
  });
  if (docker) {
    const engine = docker;
    await ask('cgroup', 'see the log of the engine', async () => {
      const { CgroupVersion = '1', MemTotal, NCPU } = (await engine.info()) as { CgroupVersion?: string; MemTotal: number; NCPU: number };
      const enough = MemTotal >= 2 * gigabyte;
      return {
        status: enough ? 'ok' : 'degraded',
        found: `v${CgroupVersion}, ${NCPU} cores, ${(MemTotal / gigabyte).toFixed(1)} GiB`,
        ...(enough ? {} : { remedy: 'six nodes with their toolboxes want 2 GiB' }),
      };
    });
    await ask('engine images', 'npm run setup', async () => {
      const local = await localImages();
      const ready = local.includes(defaultEngine);
      return {
        status: ready ? 'ok' : 'degraded',
        found: `${local.join(', ') || 'none'} of ${knownEngines.join(', ')}`,
        ...(ready ? {} : { remedy: 'npm run setup, or let the first run fetch it' }),
      };
    });
    let toolbox: string | undefined;
    await ask('toolbox image', 'npm run setup', async () => {
      toolbox = await resolveToolboxImage();
      return { status: 'ok', found: toolbox };
    });
    if (toolbox !== undefined) {
      const image = toolbox;
      await ask('iptables', 'load nf_tables in the kernel of the engine', async () => {
        const { exitCode, output } = await runInToolbox(
          engine,
          image,
          'iptables -N SLOTQUAKE-doctor && iptables -A SLOTQUAKE-doctor -p tcp --dport 16379 -j DROP && iptables --version',
        );
        if (exitCode !== 0) throw new Error(output);
        return { status: 'ok', found: output };
      });
      await ask('packet shaping', 'load sch_netem or nfnetlink_queue in the kernel of the engine', async () => {
        if ((await runInToolbox(engine, image, hasNetemScript)).exitCode === 0) return { status: 'ok', found: 'tc netem' };
        const { do: hold, undo } = shapeScript(
          'nfqueue',
          'doctor',
          { ports: 'all', direction: 'both', peers: 'all' },
          shape({ delayMs: 1 }),
          1,
        );
        const { exitCode, output } = await runInToolbox(engine, image, `( ${hold}\n) && ( ${undo}\n)`);
        if (exitCode !== 0) throw new Error(`neither tc netem nor an NFQUEUE works: ${output}`);
        return { status: 'ok', found: 'no sch_netem; packets are held in an NFQUEUE instead' };
      });
      await ask('rate limits', 'load sch_tbf, ifb, act_mirred and cls_u32; only rate-limit needs them', async () => {
        const { do: limit, undo } = detourScript(
          'doctor',
          { ports: 'all', direction: 'out', peers: 'all' },
          'tbf rate 1mbit burst 10kb latency 50ms',
        );
        const { exitCode, output } = await runInToolbox(engine, image, `( ${limit}\n) && ( ${undo}\n)`);
        return exitCode === 0
          ? { status: 'ok', found: 'tbf on a detour' }
          : {
              status: 'degraded',
              found: output.split('\n')[0] ?? '',
              remedy: 'load sch_tbf, ifb, act_mirred and cls_u32; only rate-limit needs them',
            };
      });
    }
    await ask('leftovers', 'slotquake sweep', async () => {
      const left = (await (await dockerDriver()).leftovers()).filter(({ kept, inUse }) => !kept && !inUse);
      return left.length === 0
        ? { status: 'ok', found: 'none' }
        : { status: 'degraded', found: left.map(({ runId }) => runId).join(', '), remedy: 'slotquake sweep' };
    });
  }
  await ask('disk', 'make room', async () => {
    const { bavail, bsize } = statfsSync(packageRoot);
    const free = bavail * bsize;
    return free > 2 * gigabyte
      ? { status: 'ok', found: `${Math.floor(free / gigabyte)} GiB free` }
      : { status: 'degraded', found: `${(free / gigabyte).toFixed(1)} GiB free`, remedy: 'images and records want 2 GiB' };
  });
  return checks;
}

export function renderDoctor(checks: readonly Check[]): string {
  const colours = { ok: 'green', degraded: 'yellow', missing: 'red' } as const;
  return checks
    .map(
      ({ name, status, found, remedy }) =>
        `${styleText(colours[status], status.padEnd(9))} ${name.padEnd(14)} ${found}${remedy ? `\n${' '.repeat(25)}→ ${remedy}` : ''}`,
    )
    .join('\n');
}
