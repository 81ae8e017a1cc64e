import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../src/base/random.ts';
import type { Node } from '../src/cluster.ts';
import { bothEnds, ends, firstSlots, slotFunctions } from '../src/migration.ts';
import { paperCluster } from './fault/planned.ts';
import { needsPython, python } from './python.ts';

describe('ends', () => {
  const { topology, ...cluster } = paperCluster();
  const [first, second, third, replica] = cluster.nodes as [Node, Node, Node, Node];
  const between = (to: string | undefined, victims: Node[], selected: Node[] = []) =>
    ends('the fault', to, { victims, topology, cluster, random: seededRandom(1), select: () => selected });

  it('lead from each victim to the one who was named', () => {
    const { from, to } = between('node-3', [first, second], [third]);
    expect(from.map(({ node }) => node)).toEqual(['node-1', 'node-2']);
    expect(to).toEqual({ node: 'node-3', id: third.id, place: '10.0.0.13 6379' });
  });
  it('lead to any other primary with slots where nobody was named', () => {
    const chosen = Array.from({ length: 20 }, (_, seed) =>
      ends('the fault', undefined, { victims: [first], topology, cluster, random: seededRandom(seed), select: () => [] }),
    );
    expect([...new Set(chosen.map(({ to }) => to.node))].sort()).toEqual(['node-2', 'node-3']);
  });
  it.each([
    ['a victim without slots', () => between('node-3', [replica], [third]), 'node-4 has none'],
    ['nobody else with slots', () => between(undefined, [first, second, third]), 'name who takes them with --to'],
    ['the victim itself', () => between('node-1', [first], [first]), "not the target, got 'node-1'"],
    ['a replica', () => between('node-4', [first], [replica]), "not the target, got 'node-4'"],
    ['more than one', () => between('any', [first], [second, third]), "not the target, got 'any'"],
    ['none at all', () => between('nobody', [first], []), "not the target, got 'nobody'"],
  ])('refuse %s', (_, refused, because) => expect(refused).toThrow(because));
});

describe('firstSlots', () => {
  it('goes through the ranges in order, and no further than asked', () => {
    const ranges = [
      [3, 4],
      [9, 9],
      [20, 30],
    ] as const;
    expect(firstSlots(ranges, 5)).toEqual([3, 4, 9, 20, 21]);
    expect(firstSlots(ranges, 2)).toEqual([3, 4]);
    expect(firstSlots([[1, 2]], 9)).toEqual([1, 2]);
  });
});

/** A node on paper; see fixtures/paper_cli.py. Slots by number: who owns them, is open at them, has which keys of them. */
interface Paper {
  owners?: Record<string, string>;
  opened?: Record<string, readonly [way: '<' | '>', other: string]>;
  keys?: Record<string, string[]>;
  deaf?: string[];
  unreachable?: string[];
  /** How often it is asked for its view before it has heard of the epochs of others. */
  hearsAfter?: number;
}
const [home, away, heir] = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40)];

describe('the shell functions for slots', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  /** Home at port 7001, the other end at 7002, and at 7003 a replica of home, which `failedOver` makes its heir. */
  function ground(atHome: Paper, atAway: Paper, { failedOver = false } = {}) {
    const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-slots-'));
    folders.push(folder);
    const peers = [
      { id: home, port: 7001, epoch: 1, ...(failedOver ? { primary: heir } : {}) },
      { id: away, port: 7002, epoch: 2 },
      { id: heir, port: 7003, epoch: 3, ...(failedOver ? {} : { primary: home }) },
    ];
    const write = (port: number, id: string, paper: Paper): void =>
      writeFileSync(path.join(folder, `${port}.json`), JSON.stringify({ id, peers, owners: {}, opened: {}, keys: {}, ...paper }));
    write(7001, home, atHome);
    write(7002, away, atAway);
    write(7003, heir, failedOver ? atHome : {});
    const at = (port: number) => JSON.parse(readFileSync(path.join(folder, `${port}.json`), 'utf8')) as Required<Paper>;
    const run = (script: string) => {
      const cli = `export CLI='${python} -I -S -B ${path.join(import.meta.dirname, 'fixtures', 'paper_cli.py')} ${folder}'\n`;
      const { status, stdout, stderr } = spawnSync('sh', ['-c', cli + script], { encoding: 'utf8' });
      return { code: status, said: (stdout + stderr).trim() };
    };
    const told = (): string[] => readFileSync(path.join(folder, 'told'), 'utf8').trim().split('\n');
    return { home: () => at(7001), away: () => at(7002), run, told };
  }
  const [one, other] = ["'127.0.0.1 7001'", "'127.0.0.1 7002'"];
  const move = (slots: string) => `${slotFunctions}\nmove ${home} ${one} ${away} ${other} '${slots}'`;
  const bringBack = (slots: string) => `${slotFunctions}\nbring_back ${away} ${other} ${home} ${one} '${slots}'`;
  const left = (slots: string) => `${slotFunctions}\nleft '${slots}' ${other} ${one}`;
  const owned = (by: string, ...slots: number[]) => Object.fromEntries(slots.map((slot) => [slot, by]));

  it('move slots with all their keys, however many', ({ skip }) => {
    needsPython({ skip });
    const many = Array.from({ length: 120 }, (_, index) => `key:${index}`);
    const paper = ground({ owners: owned(home, 5, 6), keys: { 5: [...many], 6: [] } }, { owners: owned(home, 5, 6) });
    expect(paper.run(move('5 6'))).toEqual({ code: 0, said: '' });
    expect(paper.away()).toMatchObject({ owners: owned(away, 5, 6), opened: {}, keys: { 5: many } });
    expect(paper.home()).toMatchObject({ owners: owned(away, 5, 6), opened: {}, keys: { 5: [] } });
  });
  it('go on where an earlier move stopped', ({ skip }) => {
    needsPython({ skip });
    const paper = ground(
      { owners: owned(home, 5), opened: { 5: ['>', away] }, keys: { 5: ['b'] } },
      { owners: owned(home, 5), opened: { 5: ['<', home] }, keys: { 5: ['a', 'b'] } },
    );
    expect(paper.run(move('5'))).toEqual({ code: 0, said: '' });
    expect(paper.away()).toMatchObject({ owners: owned(away, 5), opened: {}, keys: { 5: ['a', 'b'] } });
  });
  it('say which keys do not go, and leave the slot with its owner', ({ skip }) => {
    needsPython({ skip });
    const paper = ground({ owners: owned(home, 5), keys: { 5: ['a'] }, unreachable: ['7002'] }, { owners: owned(home, 5) });
    expect(paper.run(move('5'))).toEqual({
      code: 1,
      said: 'moving keys of slot 5: IOERR error or timeout writing to target instance',
    });
    expect(paper.home()).toMatchObject({ owners: owned(home, 5), keys: { 5: ['a'] } });
  });
  it('say what is refused', ({ skip }) => {
    needsPython({ skip });
    const paper = ground({ owners: owned(home, 5) }, { owners: owned(home, 5), deaf: [away] });
    expect(paper.run(move('5'))).toEqual({ code: 1, said: 'ERR I will not' });
  });
  it('tell the new owner before the old one, who would send clients back', ({ skip }) => {
    needsPython({ skip });
    const paper = ground({ owners: owned(home, 5), keys: { 5: ['a'] } }, { owners: owned(home, 5) });
    paper.run(move('5'));
    const said = paper.told().flatMap((line) => /^(\d+) (CLUSTER SETSLOT \S+ [A-Z]+|MIGRATE)/.exec(line)?.slice(1, 3).join(' ') ?? []);
    expect(said).toEqual([
      '7002 CLUSTER SETSLOT 5 IMPORTING',
      '7001 CLUSTER SETSLOT 5 MIGRATING',
      '7001 MIGRATE',
      '7002 CLUSTER SETSLOT 5 NODE',
      '7001 CLUSTER SETSLOT 5 NODE',
    ]);
  });
  it('bring whole slots home, and those that were half on their way', ({ skip }) => {
    needsPython({ skip });
    const paper = ground(
      { owners: { ...owned(away, 5), ...owned(home, 6, 7) }, opened: { 6: ['>', away] }, keys: { 6: ['d'], 7: ['e'] } },
      { owners: { ...owned(away, 5), ...owned(home, 6, 7) }, opened: { 6: ['<', home] }, keys: { 5: ['a'], 6: ['c'] } },
    );
    expect(paper.run(left('5 6 7')).said.split('\n').length).toBeGreaterThan(3);
    expect(paper.run(bringBack('5 6 7'))).toEqual({ code: 0, said: '' });
    expect(paper.home()).toMatchObject({ owners: owned(home, 5, 6, 7), opened: {} });
    expect(Object.values(paper.home().keys).flat().sort()).toEqual(['a', 'c', 'd', 'e']);
    expect(paper.away()).toMatchObject({ owners: owned(home, 5, 6, 7), opened: {} });
    expect(Object.values(paper.away().keys).flat()).toEqual([]);
    expect(paper.run(left('5 6 7'))).toEqual({ code: 0, said: '' });
  });
  it('take a slot home that nobody serves, and are not content until that is known', ({ skip }) => {
    needsPython({ skip });
    // Home takes it for the other's, who takes it for home's.
    const paper = ground({ owners: owned(away, 5) }, { owners: owned(home, 5) });
    expect(paper.run(bringBack('5')).code).toBe(1);
    expect(paper.home().owners).toEqual(owned(home, 5));
    expect(paper.told().filter((line) => line.includes('BUMPEPOCH'))).toEqual(['7001 CLUSTER BUMPEPOCH']);
    expect(paper.run(bringBack('5'))).toEqual({ code: 0, said: '' });
  });
  it.for([
    ['a slot that is not at home', { owners: owned(away, 5) }, { owners: owned(away, 5) }, '127.0.0.1 7001 does not own all of 5'],
    [
      'keys that stayed away',
      { owners: owned(home, 5) },
      { owners: owned(home, 5), keys: { 5: ['a'] } },
      '127.0.0.1 7002 has keys of slot 5',
    ],
    [
      'a slot open at home',
      { owners: owned(home, 5), opened: { 5: ['>', away] } },
      { owners: owned(home, 5) },
      '127.0.0.1 7001 has slot 5 open',
    ],
    [
      'a slot open away',
      { owners: owned(home, 5) },
      { owners: owned(home, 5), opened: { 5: ['<', home] } },
      '127.0.0.1 7002 has slot 5 open',
    ],
  ] as const)('see %s', ([_, atHome, atAway, said], { skip }) => {
    needsPython({ skip });
    expect(ground(atHome as Paper, atAway as Paper).run(left('5')).said).toBe(said);
  });
  it('wait until the new owner has heard of the newest config epoch of the old one', ({ skip }) => {
    needsPython({ skip });
    const paper = ground({ owners: owned(home, 5) }, { owners: owned(home, 5), hearsAfter: 3 });
    paper.run(move('5'));
    const before = paper.told().slice(
      0,
      paper.told().findIndex((line) => line.includes('SETSLOT')),
    );
    expect(before.filter((line) => line === '7002 CLUSTER NODES')).toHaveLength(4);
  });
  it('find the primary that a node has now', ({ skip }) => {
    needsPython({ skip });
    const from = { node: 'node-1', id: home, place: '127.0.0.1 7001' };
    const to = { node: 'node-2', id: away, place: '127.0.0.1 7002' };
    const say = `${bothEnds(from, to)}\necho "$home_id $home; $away_id $away"`;
    expect(ground({}, {}).run(say).said).toBe(`${home} 127.0.0.1 7001; ${away} 127.0.0.1 7002`);
    expect(ground({}, {}, { failedOver: true }).run(say).said).toBe(`${heir} 127.0.0.1 7003; ${away} 127.0.0.1 7002`);
  });
  it('say that an end does not answer', ({ skip }) => {
    needsPython({ skip });
    const nobody = { node: 'node-9', id: 'd'.repeat(40), place: '127.0.0.1 7009' };
    const { code, said } = ground({}, {}).run(bothEnds(nobody, nobody));
    expect(code).toBe(1);
    expect(said.split('\n').at(-1)?.length).toBeGreaterThan(0);
    expect(said).toContain('one end does not answer');
  });
});
