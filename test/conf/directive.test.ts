import { describe, expect, it } from 'vitest';
import { apartBecause, isSecret, meaningOf, nameFor } from '../../src/conf/directive.ts';

describe('a directive', () => {
  const same: readonly (readonly string[])[] = [
    ['slave-read-only', 'replica-read-only'],
    ['min-slaves-to-write', 'min-replicas-to-write'],
    ['repl-ping-slave-period', 'repl-ping-replica-period'],
    ['cluster-slave-no-failover', 'cluster-replica-no-failover'],
    ['slaveof', 'replicaof'],
    ['hash-max-ziplist-entries', 'hash-max-listpack-entries'],
    ['list-max-ziplist-size', 'list-max-listpack-size'],
    ['lua-time-limit', 'busy-reply-threshold'],
    ['primaryauth', 'masterauth'],
    ['SLAVE-Priority', 'replica-priority'],
    ['bgsave_cpulist', 'bgsave-cpulist'],
  ];
  for (const names of same) it(`means the same as ${names.join(' and ')}`, () => expect(new Set(names.map(meaningOf)).size).toBe(1));

  it('is called as the engine calls it', () => {
    expect(nameFor('replica-priority', ['slave-priority'])).toBe('slave-priority');
    expect(nameFor('busy-reply-threshold', ['lua-time-limit'])).toBe('lua-time-limit');
    expect(nameFor('slave-priority', ['slave-priority', 'replica-priority'])).toBe('replica-priority');
    expect(nameFor('shutdown-timeout', ['maxmemory'])).toBeUndefined();
  });
  it('is kept apart where it is about the machine, whatever it is called', () => {
    for (const name of [
      'port',
      'bind',
      'dir',
      'logfile',
      'daemonize',
      'slaveof',
      'tls-cert-file',
      'loadmodule',
      'cluster-announce-ip',
      'rename-command',
      'user',
      'primaryauth',
      'io-threads',
    ])
      expect(apartBecause(name), name).toMatch(/^[a-z].*[a-z]$/);
    for (const name of [
      'maxmemory',
      'save',
      'cluster-node-timeout',
      'replica-priority',
      'repl-timeout',
      'timeout',
      'hz',
      'cluster-migration-barrier',
    ])
      expect(apartBecause(name), name).toBeUndefined();
  });
  it('can be a secret', () => {
    expect(['requirepass', 'primaryauth', 'masterauth', 'user', 'tls-key-file-pass'].every(isSecret)).toBe(true);
    expect(isSecret('masteruser')).toBe(false);
  });
});
