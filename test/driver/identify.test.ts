import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { engineIn, identify } from '../../src/driver/container/identify.ts';

/** A container engine with one image, in which no program can be started. */
const dockerWith = (labels: Record<string, string> | null, layers: number): Docker =>
  ({
    getImage: () => ({
      inspect: async () => ({
        Config: { Labels: labels },
        RootFS: { Layers: Array.from({ length: layers }, (_, index) => `layer-${index}`) },
      }),
    }),
    createContainer: async () => {
      throw new Error('no program here');
    },
  }) as unknown as Docker;

const label = { 'slotquake.engine': 'Valkey server v=8.1.1' };

describe('the engine in an image', () => {
  it('is read off the label of an image that was assembled here, without a container', async () => {
    expect(await identify(dockerWith(label, 1), 'image', 'run')).toEqual({ kind: 'valkey', version: '8.1.1', image: 'image' });
  });

  it.each([
    ['has no labels', null, 1],
    ['has another label', { maintainer: 'somebody' }, 1],
    ['has a label of ours that says nothing', { 'slotquake.engine': 'yes' }, 1],
    ['was built on top of one of ours', label, 2],
  ])('is asked of its programs where the image %s', async (_, labels, layers) => {
    await expect(identify(dockerWith(labels, layers), 'image', 'run')).rejects.toThrow('no program here');
  });

  it.each([
    ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1', { kind: 'redis', version: '7.0.15' }],
    ['Valkey server v=9.1.0 sha=00000000:0', { kind: 'valkey', version: '9.1.0' }],
    ['KeyDB server v=6.3.4', undefined],
  ])('is told from what it prints: %s', (text, engine) => {
    expect(engineIn(text)).toEqual(engine);
  });
});
