import { describe, expect, test } from 'vitest';
import { defaultEngine, knownEngines, officialImage } from '../src/image.ts';

describe('engine images', () => {
  test.each([
    ['redis:7.0', 'redis:7.0'],
    ['valkey:8.1', 'valkey/valkey:8.1'],
    ['valkey:8.2', 'valkey/valkey:8.2'],
    ['valkey/valkey:9', 'valkey/valkey:9'],
    ['registry.example:5000/team/redis:7', 'registry.example:5000/team/redis:7'],
  ])('%s is %s in a registry', (spec, image) => expect(officialImage(spec)).toBe(image));

  test('the default engine can be had without a registry', () => expect(knownEngines).toContain(defaultEngine));
});
