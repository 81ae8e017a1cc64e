import type Docker from 'dockerode';
import { messageOf, UsageError } from '../../base/errors.ts';
import { log } from '../../base/log.ts';
import type { EngineInfo } from '../../timeline.ts';
import { ownName } from '../owner.ts';

/** An image that we assembled says itself what it holds, so that no container need be started to ask it. */
export const engineLabel = 'slotquake.engine';

/** Reads kind and version off the label of an image of ours, or asks the programs in it. */
export async function identify(docker: Docker, image: string, runId: string): Promise<EngineInfo> {
  const { Config, RootFS } = await docker.getImage(image).inspect();
  const labelled = engineIn((Config.Labels as Record<string, string> | null)?.[engineLabel] ?? '');
  // What somebody built on top of it inherits the label, and may hold another engine.
  if (labelled && RootFS?.Layers?.length === 1) return { ...labelled, image };
  const words = [...(Config.Cmd ?? []), ...[Config.Entrypoint ?? []].flat()].join(' ');
  const binaries = ['redis-server', 'valkey-server'].sort((a, b) => Number(words.includes(b)) - Number(words.includes(a)));
  for (const binary of binaries) {
    const container = await docker.createContainer({
      Image: image,
      Entrypoint: [binary],
      Cmd: ['--version'],
      Labels: { 'slotquake.run': runId, 'slotquake.owner': ownName() },
      HostConfig: { NetworkMode: 'none' },
    });
    try {
      await container.start();
      await container.wait();
      const found = engineIn(((await container.logs({ stdout: true, stderr: true })) as Buffer).toString('utf8'));
      if (found) return { ...found, image };
    } catch (error) {
      log.debug({ image, binary, error: messageOf(error) }, 'the image does not run this');
    } finally {
      await container.remove({ force: true }).catch(() => {});
    }
  }
  throw new UsageError(`expected an image with redis-server or valkey-server, but ${image} runs neither; choose another with --engine`);
}

/** From what `--version` prints (server.c, version), which is what the label says as well. */
export function engineIn(text: string): Pick<EngineInfo, 'kind' | 'version'> | undefined {
  const [, name, version] = /(Redis|Valkey) server v=(\d+\.\d+\.\d+)/.exec(text) ?? [];
  return version === undefined ? undefined : { kind: name === 'Valkey' ? 'valkey' : 'redis', version };
}
