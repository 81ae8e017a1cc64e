import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';
import { messageOf, SlotquakeError } from '../base/errors.ts';
import { within } from '../base/poll.ts';

/** Docker 20.10: the first with everything we use. */
const oldestApi = [1, 41] as const;

/** Where a container engine may listen, the most explicit first. */
export function endpoints(env: NodeJS.ProcessEnv = process.env, home = homedir()): string[] {
  if (env['DOCKER_HOST']) return [env['DOCKER_HOST']];
  const context = contextHost(env['DOCKER_CONTEXT'], home);
  const sockets = [
    '/var/run/docker.sock',
    ...(env['XDG_RUNTIME_DIR'] ? [`${env['XDG_RUNTIME_DIR']}/docker.sock`] : []),
    ...['.docker/run', '.colima/default', '.orbstack/run', '.rd'].map((folder) => path.join(home, folder, 'docker.sock')),
  ];
  return [...(context ? [context] : []), ...sockets.map((socket) => `unix://${socket}`)];
}

/** The host of the current docker context, or null for the default one. */
function contextHost(named: string | undefined, home: string): string | null {
  const read = (file: string): unknown => JSON.parse(readFileSync(path.join(home, '.docker', file), 'utf8'));
  try {
    const name = named ?? (read('config.json') as { currentContext?: string }).currentContext;
    if (!name || name === 'default') return null;
    const meta = read(`contexts/meta/${createHash('sha256').update(name).digest('hex')}/meta.json`) as {
      Endpoints?: { docker?: { Host?: string } };
    };
    return meta.Endpoints?.docker?.Host ?? null;
  } catch {
    return null;
  }
}

function open(endpoint: string): Docker {
  const url = new URL(endpoint);
  if (url.protocol === 'unix:' || url.protocol === 'npipe:') return new Docker({ socketPath: url.pathname });
  // TLS material comes from DOCKER_CERT_PATH, which dockerode reads itself.
  return process.env['DOCKER_HOST'] === endpoint
    ? new Docker()
    : new Docker({ host: url.hostname, port: url.port || 2375, protocol: 'http' });
}

/** A connection to the first engine that answers. Throws one sentence that says what stands in the way. */
export async function connect(): Promise<Docker> {
  const tried = endpoints();
  const reasons: string[] = [];
  for (const endpoint of tried) {
    try {
      const docker = open(endpoint);
      const { ApiVersion } = await within(`the engine at ${endpoint}`, 3_000, docker.version());
      const [major = 0, minor = 0] = ApiVersion.split('.').map(Number);
      if (major < oldestApi[0] || (major === oldestApi[0] && minor < oldestApi[1])) {
        throw new SlotquakeError(
          `expected a container engine with API ${oldestApi.join('.')} or later (Docker 20.10), but the one at ${endpoint} has ${ApiVersion}; update it`,
        );
      }
      return docker;
    } catch (error) {
      if (error instanceof SlotquakeError && error.message.startsWith('expected')) throw error;
      const { code } = error as { code?: string };
      if (code === 'EACCES')
        throw new SlotquakeError(
          `permission denied at ${endpoint}; add yourself to the group that owns the socket (docker), or run as root`,
        );
      if (code !== 'ENOENT') reasons.push(`${endpoint}: ${messageOf(error)}`);
    }
  }
  throw new SlotquakeError(
    `no container engine answers (tried ${tried.join(', ')}${reasons.length > 0 ? `; ${reasons.join('; ')}` : ''}); start Docker, set DOCKER_HOST, or run \`npm run setup\` as root on Debian or Ubuntu`,
  );
}
