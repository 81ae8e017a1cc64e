import { describe, expect, it } from 'vitest';
import { logKind } from '../../src/cluster/log-kind.ts';

const id = 'd736a561582ab1041d8de3bc1d1c868cbcb0af82';

describe('a log line', () => {
  it.each([
    `1:M 24 Nov 2026 23:12:47.547 - Connection with Node ${id} at 10.206.208.16:16379 failed: error:0A000086:SSL routines::certificate verify failed`,
    `1:M 24 Nov 2026 23:12:47.547 - Connection with Node ${id} (node-2) at 10.206.208.16:16379 failed: error:1416F086:SSL routines:tls_process_server_certificate:certificate verify failed`,
    '1:M 24 Nov 2026 23:12:57.857 - Error accepting cluster node connection: error:0A000418:SSL routines::tlsv1 alert unknown ca',
    '1:M 24 Nov 2026 23:12:57.857 - Error accepting cluster node connection: error:0A000415:SSL routines::sslv3 alert certificate expired',
    '1:S 24 Nov 2026 23:12:57.857 # Error condition on socket for SYNC: error:0A000086:SSL routines::certificate verify failed',
  ])('tells of a refused certificate: %s', (line) => expect(logKind(line)).toBe('certificate-refused'));

  it.each([
    '1:S 24 Nov 2026 23:05:01.848 # Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.',
    '1:S 24 Nov 2026 23:05:01.848 # Unable to AUTH to PRIMARY: -WRONGPASS invalid username-password pair or user is disabled.',
    '1:S 24 Nov 2026 23:04:37.346 # Unexpected reply to PSYNC from master: -NOAUTH Authentication required.',
    '1:S 24 Nov 2026 23:04:37.346 # MASTER aborted replication with an error: NOAUTH Authentication required.',
    '1:S 24 Nov 2026 23:04:37.346 * PRIMARY aborted replication with an error: NOAUTH Authentication required.',
    "1:S 24 Nov 2026 23:04:37.346 # MASTER aborted replication with an error: NOPERM this user has no permissions to run the 'psync' command",
  ])('tells of a refused login: %s', (line) => expect(logKind(line)).toBe('login-refused'));

  it.each([
    [
      'cannot-failover',
      "1:S 24 Nov 2026 23:05:01.848 * Currently unable to failover: Disconnected from master for longer than allowed. Please check the 'cluster-replica-validity-factor' configuration option.",
    ],
    ['cannot-failover', '1:S 24 Nov 2026 23:05:01.848 * Currently unable to failover: Waiting for votes, but majority still not reached.'],
    ['cannot-failover', '1:S 24 Nov 2026 23:05:01.848 # Manual failover timed out.'],
    ['vote-denied', `1:M 24 Nov 2026 23:05:01.848 # Failover auth denied to ${id}: its master is up`],
    ['vote-denied', `1:M 24 Nov 2026 23:05:01.848 * Failover auth denied to ${id} (node-4): already voted for epoch 8`],
    ['link-timed-out', '1:S 24 Nov 2026 23:05:01.848 # MASTER timeout: no data nor PING received...'],
    [
      'link-timed-out',
      '1:S 24 Nov 2026 23:05:01.848 # Timeout receiving bulk data from MASTER... If the problem persists try to set the repl-timeout parameter in redis.conf to a larger value.',
    ],
    [
      'link-timed-out',
      '1:S 24 Nov 2026 23:05:01.848 * Timeout receiving bulk data from PRIMARY... If the problem persists try to set the repl-timeout parameter in valkey.conf to a larger value.',
    ],
    ['data-refused', "1:S 24 Nov 2026 23:05:01.848 # Can't handle RDB format version 12"],
    // It says aborting, and the process lives: the replica tries again.
    ['data-refused', '1:S 24 Nov 2026 23:05:01.848 # Short read or OOM loading DB. Unrecoverable error, aborting now.'],
    ['data-refused', '1:S 24 Nov 2026 23:05:01.848 # Failed trying to load the MASTER synchronization DB from disk, check server logs.'],
    ['pfail', `1:M 24 Nov 2026 23:05:01.848 . *** NODE ${id} possibly failing`],
    ['pfail', `1:M 24 Nov 2026 23:05:01.848 * NODE ${id} () possibly failing.`],
  ])('gives its reason, %s: %s', (kind, line) => expect(logKind(line)).toBe(kind));
  it('says nothing where an election only begins', () =>
    expect(
      logKind('1:S 24 Nov 2026 23:05:01.848 * Currently unable to failover: Waiting the delay before I can start a new failover.'),
    ).toBeNull());

  it.each([
    // Nobody there, and a connection that ended: neither is a word about certificates.
    `1:M 24 Nov 2026 23:12:47.547 - Connection with Node ${id} at 10.206.208.16:16379 failed: (null)`,
    `1:M 24 Nov 2026 23:12:47.547 - Connection with Node ${id} at 10.206.208.16:16379 failed: Connection refused`,
    '1:M 24 Nov 2026 23:12:47.547 # Error accepting cluster node connection: error:0A000126:SSL routines::unexpected eof while reading',
    // A client is refused, not a node.
    '1:M 24 Nov 2026 23:12:47.547 # Error accepting a client connection: error:0A000418:SSL routines::tlsv1 alert unknown ca',
    '1:S 24 Nov 2026 23:12:47.547 # MASTER aborted replication with an error: LOADING Redis is loading the dataset in memory',
    '1:S 24 Nov 2026 23:12:47.547 * (Non critical) Master does not understand REPLCONF capa: -NOAUTH Authentication required.',
  ])('tells of neither: %s', (line) => expect(logKind(line)).toBeNull());
});
