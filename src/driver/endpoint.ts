import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import Docker from 'dockerode';
import { messageOf, SlotquakeError } from '../base/errors.ts';
import { within } from '../base/poll.ts';

/** Docker 20.10: the first with everything we use. */
const oldestApi = [1, 41] as const;
const answerWithinMs = 3_000;

/** Where a container engine may listen, the most explicit first. */
export function endpoints(env: NodeJS.ProcessEnv = process.env, home = homedir()): string[] {
  if (env['DOCKER_HOST']) return [env['DOCKER_HOST']];
  const context = contextHost(env, home);
  // Who chose a context means that engine and no other.
  if (context) return [context];
  if (process.platform === 'win32') return ['npipe:////./pipe/docker_engine'];
  const runtime = env['XDG_RUNTIME_DIR'];
  const sockets = [
    '/var/run/docker.sock',
    ...(runtime ? [`${runtime}/docker.sock`] : []),
    ...['.docker/run', '.colima/default', '.orbstack/run', '.rd'].map((folder) => path.join(home, folder, 'docker.sock')),
    ...(runtime ? [`${runtime}/podman/podman.sock`] : []),
    '/run/podman/podman.sock',
  ];
  return sockets.map((socket) => `unix://${socket}`);
}

/** The host of the current docker context, or null for the default one. */
function contextHost(env: NodeJS.ProcessEnv, home: string): string | null {
  const read = (file: string): unknown =>
    JSON.parse(readFileSync(path.join(env['DOCKER_CONFIG'] ?? path.join(home, '.docker'), file), 'utf8'));
  try {
    const name = env['DOCKER_CONTEXT'] || (read('config.json') as { currentContext?: string }).currentContext;
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
  if (process.env['DOCKER_HOST'] === endpoint && !endpoint.startsWith('npipe:')) return new Docker(); // It reads DOCKER_CERT_PATH too.
  // Not through URL, which would take the dot of a Windows pipe for a folder.
  if (/^(unix|npipe):/.test(endpoint)) return new Docker({ socketPath: endpoint.replace(/^\w+:\/\//, '') });
  const { protocol, hostname, port } = new URL(endpoint);
  if (protocol !== 'tcp:' && protocol !== 'http:')
    throw new SlotquakeError(`a docker context over ${protocol.slice(0, -1)} is not understood; set DOCKER_HOST`);
  return new Docker({ host: hostname, port: port || 2375, protocol: 'http' });
}

/** What `ask` says of an engine that is there and not for us. */
const denial = 'permission denied';

/** No engine answered at all, as opposed to one that answered and will not do. */
export class NoEngineError extends SlotquakeError {}

interface Engine {
  readonly docker: Docker;
  /** Of the engine and of its API, such as 20.10.24 and 1.41. */
  readonly version: string;
  readonly api: string;
}

/** Who answered where. An engine takes a while to tell its version, and every command asks several times. */
const answered = new Map<string, Engine>();

/** A connection to the first engine that answers. Throws one sentence that says what stands in the way. */
export async function connect(): Promise<Docker> {
  return (await reachEngine()).docker;
}

/** The same, with what that engine is. */
export async function reachEngine(): Promise<Engine> {
  const tried = endpoints();
  const key = tried.join(' ');
  const engine = answered.get(key) ?? (await firstOf(tried));
  answered.set(key, engine);
  return engine;
}

async function firstOf(tried: readonly string[]): Promise<Engine> {
  const reasons: string[] = [];
  const denied: string[] = [];
  for (const endpoint of tried) {
    const answer = await ask(endpoint);
    if (answer === denial) {
      denied.push(endpoint);
      continue;
    }
    if (typeof answer === 'string') {
      if (answer !== '') reasons.push(answer);
      continue;
    }
    const [major = 0, minor = 0] = answer.api.split('.').map(Number);
    if (major < oldestApi[0] || (major === oldestApi[0] && minor < oldestApi[1])) {
      throw new SlotquakeError(
        `expected a container engine with API ${oldestApi.join('.')} or later (Docker 20.10), but the one at ${endpoint} has ${answer.api}; update it`,
      );
    }
    return answer;
  }
  if (denied.length > 0) {
    throw new SlotquakeError(
      `permission denied at ${denied.join(', ')}: add yourself to the group that owns the socket (docker) and log in again, or run as root`,
    );
  }
  throw new NoEngineError(
    `no container engine answers (tried ${tried.join(', ')}${reasons.length > 0 ? `; ${reasons.join('; ')}` : ''}); start Docker, set DOCKER_HOST, or run \`npm run setup\` as root on Debian or Ubuntu`,
  );
}

/** The engine behind an endpoint, or why there is none: empty where nothing was ever there. */
async function ask(endpoint: string): Promise<Engine | string> {
  try {
    const docker = open(endpoint);
    // The signal ends the request itself: one left open would keep the process alive. Its types do not know the option.
    const version = (docker.version as (options: { abortSignal: AbortSignal }) => Promise<Docker.DockerVersion>).bind(docker);
    const answer = await within(`the engine at ${endpoint}`, answerWithinMs, version({ abortSignal: AbortSignal.timeout(answerWithinMs) }));
    const api: unknown = answer?.ApiVersion;
    return typeof api === 'string' && /^\d+\.\d+$/.test(api)
      ? { docker, version: answer.Version, api }
      : `${endpoint}: what answers there is no container engine`;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT') return '';
    if (code === 'EACCES') return denial;
    return `${endpoint}: ${messageOf(error)}`;
  }
}
