import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect, endpoints, NoEngineError } from '../../src/driver/endpoint.ts';
import { packageRoot } from '../../src/version.ts';

let home = '';
beforeEach(() => {
  const cache = path.join(packageRoot, 'results', '.cache');
  mkdirSync(cache, { recursive: true });
  home = mkdtempSync(path.join(cache, 'home-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
  vi.unstubAllEnvs();
});

function context(name: string, host: string, current = false): void {
  const folder = path.join(home, '.docker', 'contexts', 'meta', createHash('sha256').update(name).digest('hex'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
  if (current) writeFileSync(path.join(home, '.docker', 'config.json'), JSON.stringify({ currentContext: name }));
}

describe('where a container engine is looked for', () => {
  test('DOCKER_HOST comes before everything', () => {
    context('colima', 'unix:///colima.sock', true);
    expect(endpoints({ DOCKER_HOST: 'tcp://10.0.0.1:2375', DOCKER_CONTEXT: 'colima' }, home)).toEqual(['tcp://10.0.0.1:2375']);
  });

  test('a chosen context means that engine and no other', () => {
    context('colima', 'unix:///colima.sock', true);
    context('orbstack', 'unix:///orbstack.sock');
    expect(endpoints({}, home)).toEqual(['unix:///colima.sock']);
    expect(endpoints({ DOCKER_CONTEXT: 'orbstack' }, home)).toEqual(['unix:///orbstack.sock']);
  });

  test.skipIf(process.platform === 'win32')('else the usual sockets, the common ones first', () => {
    const found = endpoints({ XDG_RUNTIME_DIR: '/run/user/7', DOCKER_CONTEXT: 'default' }, home);
    expect(found.slice(0, 2)).toEqual(['unix:///var/run/docker.sock', 'unix:///run/user/7/docker.sock']);
    expect(found).toContain(`unix://${home}/.colima/default/docker.sock`);
    expect(found.at(-1)).toBe('unix:///run/podman/podman.sock');
  });
});

describe('connecting', () => {
  async function engine(api: string): Promise<AsyncDisposable> {
    const server = createServer((_, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ ApiVersion: api })),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('DOCKER_HOST', `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return {
      [Symbol.asyncDispose]: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  test('an engine of the right age will do', async () => {
    await using _ = await engine('1.41');
    await expect(connect()).resolves.toBeDefined();
  });

  test('an older one is named with what is expected, and is not taken for none at all', async () => {
    await using _ = await engine('1.40');
    const error = await connect().catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(NoEngineError);
    expect((error as Error).message).toMatch(/API 1\.41 or later .*has 1\.40/);
  });

  test('where nothing answers, the message says what was tried and what to do', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
    await expect(connect()).rejects.toThrow(/no container engine answers \(tried tcp:\/\/127\.0\.0\.1:1.*ECONNREFUSED.*set DOCKER_HOST/);
  });
});
