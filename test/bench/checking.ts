import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '../../src/base/random.ts';
import { linearizabilityCheck } from '../../src/consistency/linearizable.ts';
import { lossCheck } from '../../src/consistency/loss.ts';
import { WriteIndex } from '../../src/consistency/writes.ts';
import { HistoryWriter, nothing, type Operation, scanHistory } from '../../src/timeline/history.ts';
import { goal, machine, median, thousands } from './machine.ts';

/*
 * How fast a history is checked, and in how much memory: histories as a load would have written them, each checked by a
 * process of its own. The time is from before the file is opened until the last check has finished.
 */

const sizes = [100_000, 1_000_000, 10_000_000];
const rounds = Number(process.env['ROUNDS'] ?? 3);
const clients = 50;

/** Where and when an operation was; times go on as operations do, 50,000 a second. */
const operationOf = (id: number, key: number, change: Partial<Operation>): Operation => {
  const sentAtMs = id / 50;
  return {
    id,
    client: id % clients,
    verb: 'set',
    key: `key:{${key}}`,
    slot: key % 16_384,
    node: `node-${1 + (key % 3)}`,
    dueAtMs: sentAtMs,
    sentAtMs,
    doneAtMs: sentAtMs + 0.5,
    outcome: 'ok',
    reason: null,
    value: nothing,
    values: [],
    final: false,
    replica: false,
    ...change,
  };
};

/** Sets to which is added, and of which one element in a hundred is not there in the end. */
function sets(history: HistoryWriter, size: number, keys: number): void {
  const kept: number[][] = Array.from({ length: keys }, () => []);
  for (let id = 0; id < size; id++) {
    const key = id % keys;
    history.add(operationOf(id, key, { verb: 'add', value: id }));
    if (id % 100 !== 99) kept[key]?.push(id);
  }
  for (const [key, values] of kept.entries())
    for (const replica of [false, true])
      history.add(
        operationOf(size + 2 * key + Number(replica), key, {
          verb: 'members',
          values,
          final: true,
          replica,
          node: `node-${1 + (key % 3) + (replica ? 3 : 0)}`,
        }),
      );
}

/** Registers as one copy of each would answer, a quarter of the operations reads; some get no answer, and half of those happened. */
function registers(history: HistoryWriter, size: number, keys: number): void {
  const random = seededRandom(1);
  const held = new Int32Array(keys).fill(nothing);
  for (let id = 0; id < size; id++) {
    const key = random.integer(0, keys - 1);
    const chance = random.integer(1, 400);
    if (chance <= 100) history.add(operationOf(id, key, { verb: 'get', value: held[key] as number }));
    else {
      const unknown = chance > 396;
      if (!unknown || chance > 398) held[key] = id;
      history.add(operationOf(id, key, { value: id, ...(unknown ? { outcome: 'unknown', reason: 'timeout' } : {}) }));
    }
  }
  for (let key = 0; key < keys; key++)
    for (const replica of [false, true])
      history.add(
        operationOf(size + 2 * key + Number(replica), key, {
          verb: 'get',
          value: held[key] as number,
          final: true,
          replica,
          node: `node-${1 + (key % 3) + (replica ? 3 : 0)}`,
        }),
      );
}

const makers = { sets, registers };
type Kind = keyof typeof makers;

/** A kind of check over a folder; returns how many operations it saw and what it found, to be looked at. */
const checks = {
  loss(folder: string) {
    const writes = new WriteIndex();
    scanHistory(folder, (row) => writes.see(row));
    const check = lossCheck(writes, () => false);
    const { names } = scanHistory(folder, (row, known) => check.see(row, known));
    const { acknowledged, lost } = check.finish(names);
    return { operations: writes.operations, found: `${lost} of ${acknowledged} lost` };
  },
  async everything(folder: string) {
    // Only here, so that the others' memory is their own.
    const [{ examine }, { film }] = await Promise.all([import('../../src/examine.ts'), import('../invariant/recorded.ts')]);
    const consistency = examine(folder, film());
    const { total } = consistency?.linearizability.notLinearizable ?? { total: -1 };
    return { operations: consistency?.operations ?? 0, found: `${consistency?.loss.lost} lost, ${total} registers not linearizable` };
  },
  linearizability(folder: string) {
    const writes = new WriteIndex();
    scanHistory(folder, (row) => writes.see(row));
    const check = linearizabilityCheck(writes, () => false, { withinMs: 60_000 });
    const { names } = scanHistory(folder, (row, known) => check.see(row, known));
    const { linearizable, notLinearizable, unknown } = check.finish(names);
    return { operations: writes.operations, found: `${linearizable} linearizable, ${notLinearizable.total} not, ${unknown.keys} unknown` };
  },
};
type CheckName = keyof typeof checks;

interface Checked {
  readonly operations: number;
  readonly found: string;
  readonly tookMs: number;
  readonly peakMb: number;
}

const [, , check, folderGiven] = process.argv;
if (check !== undefined) {
  const startedAt = performance.now();
  const result = await checks[check as CheckName](folderGiven as string);
  const tookMs = performance.now() - startedAt;
  console.log(JSON.stringify({ ...result, tookMs, peakMb: process.resourceUsage().maxRSS / 1_024 } satisfies Checked));
} else {
  console.log(`checking: ${machine()}`);
  for (const kind of ['sets', 'registers'] as const) {
    const perSecond: number[] = [];
    for (const size of sizes) withHistory(kind, size, (folder) => perSecond.push(measured('loss', folder, kind, size)));
    const slope = (perSecond[0] as number) / (perSecond.at(-1) as number);
    console.log(
      `  an operation of ${thousands(sizes.at(-1) as number)} takes ${slope.toFixed(2)} times as long as one of ${thousands(sizes[0] as number)}   ${goal('linear, at most 1.5', slope <= 1.5)}`,
    );
    withHistory(kind, 1_000_000, (folder) => measured('everything', folder, kind, 1_000_000));
  }
  withHistory('registers', 100_000, (folder) => measured('linearizability', folder, 'registers', 100_000), 1_000);
}

/** A key has 500 operations unless told otherwise, so that a set is of one size in histories of all sizes. */
function withHistory(kind: Kind, size: number, use: (folder: string) => void, keys = size / 500): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-bench-'));
  try {
    const history = new HistoryWriter(folder, (error) => {
      throw error;
    });
    makers[kind](history, size, keys);
    history[Symbol.dispose]();
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Operations a second, the median of the rounds. */
function measured(name: CheckName, folder: string, kind: Kind, size: number): number {
  const all = Array.from({ length: rounds }, (): Checked => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [import.meta.filename, name, folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the check of ${folder} ended with ${status}: ${stderr}`);
    return JSON.parse(stdout) as Checked;
  });
  const tookMs = median(all.map((result) => result.tookMs));
  const peakMb = Math.max(...all.map((result) => result.peakMb));
  const [{ operations, found }] = all as [Checked];
  const perSecond = (operations / tookMs) * 1_000;
  const goals = {
    // A hundred thousand are over before the process has warmed up.
    loss: size < 1_000_000 ? [] : [goal('at least 1,000,000/s', perSecond >= 1_000_000), goal('below 300 MB', peakMb < 300)],
    everything: [],
    linearizability: [goal('below 5 s', tookMs < 5_000)],
  }[name];
  console.log(
    [
      `${name} of ${thousands(size)} operations on ${kind}: ${(tookMs / 1_000).toFixed(2)} s, ${thousands(perSecond)}/s, peak ${peakMb.toFixed(0)} MB; ${found}`,
      ...goals,
    ].join('   '),
  );
  return perSecond;
}
