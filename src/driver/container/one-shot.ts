import type Docker from 'dockerode';
import { within } from '../../base/poll.ts';
import type { CommandResult } from '../../driver.ts';
import { ownName } from '../owner.ts';

/** Holds the process id of the runner whose deed it is, so that its guard finds what it left behind. */
export const surgeonLabel = 'slotquake.surgeon';
/** A script that takes longer is ended, for it must not go on beside its own undo. */
const oneShotWithinMs = 10_000;

/** Runs one script in a fresh container with NET_ADMIN and no network, and removes it. */
export function runInToolbox(docker: Docker, image: string, script: string): Promise<CommandResult> {
  return oneShot(docker, image, 'doctor', script, { CapAdd: ['NET_ADMIN'] });
}

/** Runs one script in a fresh container that may nothing and reaches nobody, and removes it. */
export function runAlone(docker: Docker, image: string, runId: string, script: string): Promise<CommandResult> {
  return oneShot(docker, image, runId, script, {});
}

/**
 * Runs one script among the processes of another container, able to enter its namespaces: for the few deeds that need
 * more than the toolbox has. It lives for this script alone.
 */
export function runBeside(docker: Docker, image: string, container: string, runId: string, script: string): Promise<CommandResult> {
  return oneShot(docker, image, runId, script, {
    PidMode: `container:${container}`,
    CapAdd: ['SYS_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT', 'DAC_OVERRIDE'],
    // Where there is AppArmor, its default profile refuses every mount.
    SecurityOpt: ['apparmor=unconfined'],
  });
}

async function oneShot(
  docker: Docker,
  image: string,
  runId: string,
  script: string,
  host: Pick<Docker.HostConfig, 'CapAdd' | 'PidMode' | 'SecurityOpt'>,
): Promise<CommandResult> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['sh', '-c', script],
    Tty: true,
    Labels: { 'slotquake.run': runId, 'slotquake.owner': ownName(), [surgeonLabel]: `${process.pid}` },
    HostConfig: { NetworkMode: 'none', CapDrop: ['ALL'], ...host },
  });
  try {
    await container.start();
    const { StatusCode } = (await within('a container for one command', oneShotWithinMs, container.wait())) as { StatusCode: number };
    const output = (await container.logs({ stdout: true, stderr: true })) as unknown as Buffer;
    return { exitCode: StatusCode, output: output.toString('utf8').trim() };
  } finally {
    await container.remove({ force: true });
  }
}
