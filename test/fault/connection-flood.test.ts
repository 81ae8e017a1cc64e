import { describe, expect, it } from 'vitest';
import connectionFlood from '../../src/fault/connection-flood.ts';
import { planned, scriptOf } from './planned.ts';

describe('connection-flood', () => {
  it('plans so many connections at each target', () => {
    expect(planned(connectionFlood('all primaries', { connections: 7 }))).toEqual({
      nodes: ['node-1', 'node-2', 'node-3'],
      connections: 7,
    });
    expect(() => connectionFlood('node-1', { connections: 0 })).toThrow(/connections .*got 0/);
  });
  it('ends only its own process', () => {
    const [action] = connectionFlood('node-1').actions(planned(connectionFlood('node-1')), 'x-1');
    expect(scriptOf(action?.undo)).toContain('lotquake-flood=x-1=');
    expect(scriptOf(action?.undo)).not.toContain('pkill');
  });
});
