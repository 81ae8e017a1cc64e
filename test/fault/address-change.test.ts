import { describe, expect, it } from 'vitest';
import { exclusive } from '../../src/exclusive.ts';
import addressChange from '../../src/fault/address-change.ts';
import { planned } from './planned.ts';

describe('address-change', () => {
  const actionsOf = (parameters: Parameters<typeof addressChange>[1]) => {
    const fault = addressChange('node-1', parameters);
    return fault.actions(planned(fault), 't');
  };
  it('takes the process for itself before anything else, also where it does not restart it', () => {
    for (const parameters of [{}, { restart: false, announce: 'old' } as const])
      expect(actionsOf(parameters)[0]).toEqual(exclusive('node-1', 't', 'process'));
  });
  it('moves back while the engine is stopped, starts it, and leaves a paused one to its fault', () => {
    const actions = actionsOf({});
    expect(actions.toReversed().map(({ undo }) => (undo.run === 'if' ? undo.deed.run : undo.run))).toEqual([
      'engine',
      'stop',
      'files',
      'toolbox',
      'start',
      'toolbox',
    ]);
    expect(actions.at(-1)?.undo).toMatchObject({
      condition: { run: 'alive' },
      deed: { script: expect.stringMatching(/SET shutdown-timeout 0/) },
    });
    expect(actions[1]?.residue).toMatchObject({ run: 'if', deed: { state: { status: ['running', 'paused'] } } });
  });
});
