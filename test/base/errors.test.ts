import { describe, expect, it } from 'vitest';
import { AbortedError, exitCode, InconclusiveError, messageOf, SlotquakeError, UsageError } from '../../src/base/errors.ts';

describe('an error', () => {
  it('keeps its name, its message and its cause', () => {
    const cause = new Error('ENOSPC');
    expect(new SlotquakeError('the disk is full', { cause })).toMatchObject({ name: 'SlotquakeError', message: 'the disk is full', cause });
    expect(new UsageError('no such flag', { cause })).toMatchObject({ name: 'UsageError', message: 'no such flag', cause });
    expect(new InconclusiveError('no failover')).toMatchObject({ name: 'InconclusiveError', message: 'no failover' });
    expect(new AbortedError()).toMatchObject({ name: 'AbortedError', message: 'the run was aborted' });
    expect(new AbortedError('stopped').message).toBe('stopped');
  });
  it('says how the process ends that it ends', () => {
    expect(new SlotquakeError('no engine').exitCode).toBe(3);
    expect(new SlotquakeError('exposed', { exitCode: exitCode.notAsExpected }).exitCode).toBe(1);
    expect(new UsageError('no such flag').exitCode).toBe(64);
    expect(new InconclusiveError('no failover').exitCode).toBe(2);
    expect(new AbortedError().exitCode).toBe(130);
  });
  it('tells all that it wraps, what came first before what came then', () => {
    expect(messageOf(new Error('one'))).toBe('one');
    expect(messageOf(new TypeError())).toBe('TypeError');
    expect(messageOf('a text')).toBe('a text');
    expect(messageOf(new AggregateError([new Error('one'), 'two'], 'both'))).toBe('one; two');
    expect(messageOf(new SuppressedError(new Error('then'), new AggregateError([new Error('one'), new Error('two')])))).toBe(
      'one; two; and then: then',
    );
  });
});
