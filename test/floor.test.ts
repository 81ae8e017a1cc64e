import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { floor, isCurrent, refusal } from '../src/floor.js';

const read = (file: string): string => readFileSync(path.join(import.meta.dirname, '..', file), 'utf8');

describe('the floor of Node', () => {
  it('is the same wherever it is named', () => {
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    expect(engines.node).toBe(`>=${floor}`);
    expect(read('README.md')).toContain(`Node ${floor} or later`);
  });
  it.for([
    ['v18.20.8', false],
    ['v22.23.3', false],
    ['v24.2.0', false],
    ['v24.3.0', true],
    ['v24.21.0', true],
    ['v26.0.0', true],
  ] as const)('judges %s by major and minor: %s', ([version, current]) => expect(isCurrent(version)).toBe(current));
  it('is told with what came and what to do next', () => {
    expect(refusal('v24.3.0')).toBeNull();
    expect(refusal('v24.2.0')).toMatch(/^expected Node 24\.3 or later, got v24\.2\.0; install .* `npm run setup`/);
  });
});
