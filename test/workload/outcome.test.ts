import { describe, expect, it } from 'vitest';
import { outcomeOf, outcomeTable } from '../../src/workload/outcome.ts';

/** What engines and sockets say that is not easily provoked, or must not be taken for something else. */
const said: readonly (readonly [message: string, reason: string, outcome: 'failed' | 'unknown'])[] = [
  ['MOVED 1 10.0.0.1:6379', 'moved', 'failed'],
  ['EXECABORT Transaction discarded because of: MISCONF Redis is configured to save RDB snapshots', 'execabort', 'failed'],
  // Redis 6.0 tells all errors of a script so, whatever was written before.
  ["ERR Error running script (call to f_a9): @user_script:1: OOM command not allowed when used memory > 'maxmemory'.", 'script', 'unknown'],
  [`WRONGTYPE Operation against a key holding the wrong kind of value script: ${'a'.repeat(40)}, on @user_script:1.`, 'script', 'unknown'],
  [`OOM command not allowed when used memory > 'maxmemory'. script: ${'a'.repeat(40)}, on @user_script:1.`, 'oom', 'failed'],
  // A late ICMP message about an open connection, as tcp_write_err reports it.
  ['read ECONNREFUSED', 'read ECONNREFUSED', 'unknown'],
  ['read EHOSTUNREACH EHOSTUNREACH', 'read EHOSTUNREACH EHOSTUNREACH', 'unknown'],
  ['read ETIMEDOUT', 'read ETIMEDOUT', 'unknown'],
  ['connect ETIMEDOUT', 'unreachable', 'failed'],
  ['getaddrinfo node-2 EAI_AGAIN', 'unresolved', 'failed'],
  ['BUSYGROUP Consumer Group name already exists', 'BUSYGROUP Consumer Group name already exists', 'unknown'],
  ['Command timed out', 'timeout', 'unknown'],
  ['Connection is closed.', 'closed', 'unknown'],
  ["Stream isn't writeable and enableOfflineQueue options is false", 'not-connected', 'failed'],
  ['ERR something new', 'ERR something new', 'unknown'],
];

describe('the table of outcomes', () => {
  for (const [message, reason, outcome] of said) {
    it(`calls '${message.slice(0, 60)}' ${outcome}`, () => {
      expect(outcomeOf(new Error(message))).toEqual({ reason, outcome });
      // An engine's error, as the bare client has it.
      expect(outcomeOf({ message })).toEqual({ reason, outcome });
    });
  }
  it('looks into the errors of several attempts to connect', () =>
    expect(outcomeOf(new AggregateError([new Error('connect ECONNREFUSED ::1:6379')])).reason).toBe('refused'));
  it('takes anything for an error', () => expect(outcomeOf(undefined)).toEqual({ outcome: 'unknown', reason: 'undefined' }));
  it('has one row a reason, and a sentence and a source in each', () => {
    expect(new Set(outcomeTable.map(({ reason }) => reason)).size).toBe(outcomeTable.length);
    for (const { reason, why, source } of outcomeTable) {
      expect(why, reason).toMatch(/^[A-Z].*\.$/);
      expect(source, reason).not.toBe('');
    }
  });
});
