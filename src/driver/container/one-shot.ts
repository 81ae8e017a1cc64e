import type Docker from 'dockerode';
import type { CommandResult } from '../../driver.ts';

/** Runs one shell command in a fresh container with NET_ADMIN and no network, and removes it. */
export async function runInToolbox(docker: Docker, image: string, script: string): Promise<CommandResult> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['sh', '-c', script],
    Tty: true,
    Labels: { 'slotquake.run': 'doctor' },
    HostConfig: { NetworkMode: 'none', CapDrop: ['ALL'], CapAdd: ['NET_ADMIN'] },
  });
  try {
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    const output = (await container.logs({ stdout: true, stderr: true })) as unknown as Buffer;
    return { exitCode: StatusCode, output: output.toString('utf8').trim() };
  } finally {
    await container.remove({ force: true });
  }
}
