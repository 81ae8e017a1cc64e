import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ownTimeout, patiently } from '../../src/cluster/patience.ts';

describe('patiently', () => {
  const data = mkdtempSync(path.join(tmpdir(), 'slotquake-patience-'));
  afterAll(() => rmSync(data, { recursive: true }));
  const { argv, files } = patiently(['echo', '/data/redis.conf']);
  const started = (): string => {
    const [shell = '', ...words] = argv.map((word) => word.replaceAll(/\/data\/(?=patience)/g, `${data}/`));
    return execFileSync(shell, words, { encoding: 'utf8' }).trim();
  };

  it('starts an engine with the longer node timeout once, and with that of its configuration ever after', () => {
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(data, name), content);
    expect(started()).toBe('/data/redis.conf --cluster-node-timeout 60000');
    expect(started()).toBe('/data/redis.conf');
    expect(Object.keys(files).some((name) => existsSync(path.join(data, name)))).toBe(false);
  });
});

describe('ownTimeout', () => {
  it.each([
    ['a node timeout that is shorter', { 'cluster-node-timeout': '2000' }, '2000'],
    ['one as long', { 'cluster-node-timeout': '60000' }, null],
    ['what the engine is to refuse', { 'cluster-node-timeout': 'soon' }, null],
    ['none', {}, null],
    ['a node where CONFIG is gone', { 'cluster-node-timeout': '2000', 'rename-command': 'FLUSHALL ""\nCONFIG ""' }, null],
    ['a node where another command is gone', { 'cluster-node-timeout': '2000', 'rename-command': 'FLUSHALL ""' }, '2000'],
  ])('knows what to do of %s', (_, settings: Record<string, string>, own) => expect(ownTimeout(settings)).toBe(own));
});
