import { describe, expect, it } from 'vitest';
import { experimentNames } from '../../src/cli/load.ts';
import { scalingIn, scalingOf } from '../../src/cli/scaling.ts';

describe('what an experiment says of its scale', () => {
  it('is the rest of the paragraph in its opening comment, in one line', () => {
    const source = '/*\n * It breaks. Scaled: the node timeout is 2 s\n * instead of 15 s.\n *\n * The run shows it.\n */\nimport x;\n';
    expect(scalingIn(source)).toBe('The node timeout is 2 s instead of 15 s.');
    expect(scalingIn('/*\n * Why.\n *\n * Not scaled.\n */')).toBe('Not scaled.');
  });
  it('is nothing where there is no such comment', () => {
    expect(scalingIn('')).toBe('');
    expect(scalingIn('import x;\n/* Scaled: by half. */')).toBe('');
    expect(scalingIn('// Scaled: by half.')).toBe('');
  });
  it('is said by every experiment of ours', () => {
    expect(experimentNames().filter((name) => scalingOf(name) === '')).toEqual([]);
  });
});
