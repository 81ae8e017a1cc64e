import { describe, expect, it } from 'vitest';
import { told } from '../../src/load/library.ts';

describe('an error of a library', () => {
  it('is one reason for all slots and addresses', () => {
    const error = new Error('Too many Cluster redirections. Last error: ReplyError: MOVED 8597 10.0.0.12:6379');
    expect(told(error).message).toBe('too many redirections, the last by MOVED');
  });
  it('is known by its class where it has no words', () => {
    class TimeoutError extends Error {}
    expect(told(new TimeoutError()).message).toBe('TimeoutError');
  });
  it('is left as it is otherwise', () => {
    const error = new Error('Connection is closed.');
    expect(told(error)).toBe(error);
    expect(told('gone').message).toBe('gone');
  });
});
