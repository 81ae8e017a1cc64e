import { describe, expect, it } from 'vitest';
import { addressOf } from '../../src/driver/container/lookup.ts';

describe('the answer to a lookup', () => {
  it('is the address of the name, not that of the server', () =>
    expect(addressOf('Server:\t\t127.0.0.11\nAddress:\t127.0.0.11:53\n\nName:\tnode-1\nAddress: 10.0.0.11\n')).toBe('10.0.0.11'));
  it('is none where nobody answers or nobody has that name', () => {
    expect(addressOf(';; connection timed out; no servers could be reached')).toBeUndefined();
    expect(addressOf("Server:\t\t127.0.0.11\nAddress:\t127.0.0.11:53\n\n** server can't find nobody: NXDOMAIN")).toBeUndefined();
  });
});
