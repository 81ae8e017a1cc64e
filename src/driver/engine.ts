import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf, SlotquakeError } from '../base/errors.ts';
import { poll } from '../base/poll.ts';
import { packageRoot } from '../version.ts';
import { connect, endpoints, NoEngineError } from './endpoint.ts';

const run = promisify(execFile);
const distributionSocket = 'unix:///var/run/docker.sock';
const daemons = ['/usr/sbin/dockerd', '/usr/bin/dockerd'];

/**
 * Makes sure that a container engine answers: the one that does, else, as root on Debian or Ubuntu, the distribution's
 * own, installed and started. SLOTQUAKE_INSTALL_ENGINE=no refuses that.
 */
export async function ensureEngine(print: (line: string) => void): Promise<void> {
  try {
    await connect();
    return;
  } catch (error) {
    const refused = process.env['SLOTQUAKE_INSTALL_ENGINE'] === 'no';
    // Another engine than ours was chosen, or one answered that will not do: a second one would help neither.
    const chosen = !endpoints().includes(distributionSocket) || !(error instanceof NoEngineError);
    if (refused || chosen || process.getuid?.() !== 0 || !isDebian()) throw error;
  }
  if (!daemons.some((file) => existsSync(file))) {
    print('set-up: installing docker.io with apt-get (SLOTQUAKE_INSTALL_ENGINE=no refuses this)');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    try {
      await run('apt-get', ['update', '-qq'], { env });
      await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'docker.io', 'iptables'], { env, maxBuffer: 2 ** 26 });
    } catch (error) {
      throw new SlotquakeError(
        `docker.io could not be installed (${messageOf(error).split('\n')[0]}); install Docker 20.10 or later by hand`,
      );
    }
  }
  print('set-up: starting the container engine');
  if (existsSync('/run/systemd/system'))
    await run('systemctl', ['start', 'docker']).catch(() => {}); // The wait below says what is lacking.
  else startDetached();
  await poll('the container engine to answer', connect, { withinMs: 30_000, everyMs: 200 });
}

/** Without an init system the engine is ours to start; it outlives this process, as a service would. */
function startDetached(): void {
  const folder = path.join(packageRoot, 'results', '.cache');
  mkdirSync(folder, { recursive: true });
  const log = openSync(path.join(folder, 'dockerd.log'), 'a');
  const daemon = daemons.find((file) => existsSync(file));
  if (daemon === undefined)
    throw new SlotquakeError(
      'expected dockerd in /usr/sbin or /usr/bin after the installation of docker.io, found none; install Docker 20.10 or later by hand',
    );
  spawn(daemon, [], { detached: true, stdio: ['ignore', log, log] }).unref();
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8')) && existsSync('/usr/bin/apt-get');
  } catch {
    return false;
  }
}
