import { describe, expect, test } from 'vitest';
import { dockerDriver } from '../src/driver/docker.ts';
import { connect } from '../src/driver/endpoint.ts';
import { engineIn } from '../src/driver/container/identify.ts';
import { runInToolbox } from '../src/driver/container/one-shot.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';

describe('images that are on this machine, pulled or assembled', () => {
  test.each([
    ['redis', '7.0'],
    ['valkey', '8.1'],
  ])('%s:%s answers with that version', async (kind, version) => {
    const image = await resolveEngineImage(`${kind}:${version}`);
    const driver = await dockerDriver();
    const engine = await driver.identify(image, 'images');
    const { output } = await driver.consult(image, 'images', `${kind}-server --version`);
    expect(engine).toEqual({ ...engineIn(output), image });
    expect(engine.kind).toBe(kind);
    expect(engine.version).toMatch(new RegExp(`^${version.replace('.', '\\.')}\\.\\d+$`));
  });

  test('the toolbox has every tool that faults use, and iptables works with NET_ADMIN alone', async () => {
    const image = await resolveToolboxImage();
    const { exitCode, output } = await runInToolbox(
      await connect(),
      image,
      'ip -V && tc -V && iptables --version && iptables -N probe && iptables-save',
    );
    expect(output).toMatch(/iproute2[^]*iptables v\d.*nf_tables[^]*:probe/);
    expect(exitCode).toBe(0);
  });

  test('an engine that can be had nowhere names every way that was tried', async () => {
    await expect(resolveEngineImage('registry.invalid/redis:0')).rejects.toThrow(
      /not on this machine; pulling registry\.invalid\/redis:0 failed .*can be assembled/,
    );
  });
});
