import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { poll } from '../../src/base/poll.ts';
import { seededRandom } from '../../src/base/random.ts';
import { allFaults } from '../../src/faults.ts';
import { faultsInForce, type HandSpec } from '../../src/hand.ts';
import { drawn } from '../draw/drawn.ts';
import { exampleOf } from './contract.ts';
import { ground, keepGround, renewGround } from './ground.ts';

const script = path.join(import.meta.dirname, '..', '..', 'src', 'hand.ts');
const kills = 5;
/** How fast it is, the bench says; here others may keep both processors busy. */
const takenBackWithinMs = 30_000;

keepGround();

/** The guard's journal of one attempt; empty when the holder was killed before it had one. */
function journalOf(results: string): { readonly at: string; readonly say: string; readonly id?: number; readonly clean?: boolean }[] {
  try {
    const parent = path.join(results, 'by-hand', ground.runId);
    const [folder = ''] = readdirSync(parent);
    return readFileSync(path.join(parent, folder, 'journal.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as { at: string; say: string });
  } catch {
    return [];
  }
}

/** What was read back before and after a kill: how far the holder had come. */
interface Attempt {
  readonly afterMs: number;
  readonly registered: number;
  readonly tookMs: number | null;
}

/** Injects by hand, kills the holder at that moment, and proves that everything is as it was. */
async function attempt(
  name: string,
  target: string,
  parameters: Record<string, unknown>,
  afterMs: number,
  round: number,
): Promise<Attempt> {
  const results = path.join(ground.folder, `${name}-${round}`);
  const spec: HandSpec = { runId: ground.runId, fault: name, target, parameters, forMs: 20_000, seed: round, results };
  const holder = spawn(process.execPath, [script, JSON.stringify(spec)], { stdio: 'ignore' });
  const gone = new Promise((resolve) => holder.once('exit', resolve));
  // The first time counted from its start, the second from its note, and then from the first deed, whose undo comes after that
  // of the note: what the deeds run in takes a while to open.
  const undos = Math.min(round, 2);
  if (undos > 0)
    await poll(
      `the holder to register its undo ${undos}`,
      () => {
        const registered = journalOf(results).filter(({ say }) => say === 'register');
        if (registered.length < undos && holder.exitCode === null) throw new Error('not yet');
      },
      { withinMs: 60_000, everyMs: 2 },
    );
  await delay(afterMs);
  holder.kill('SIGKILL');
  await gone;
  const killedAtMs = performance.now();
  await poll(
    `everything of ${name} to be taken back after its holder was killed ${afterMs} ms after its start`,
    async () => {
      const journal = journalOf(results);
      const registered = journal.filter(({ say }) => say === 'register').length;
      if (registered > 0 && !journal.some(({ say }) => say === 'clean'))
        throw new Error(`the journal says ${journal.map(({ at, say }) => `${say} at ${at.slice(17, 23)} s`).join(', ')}`);
      const inForce = await faultsInForce(ground.cluster.hosts);
      if (inForce.length > 0) throw new Error(`${inForce.map(({ fault }) => fault).join(', ')} in force`);
    },
    { withinMs: takenBackWithinMs, everyMs: 50 },
  );
  await poll(
    'the guard to end',
    () => {
      const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
      const left = processes.filter((line) => line.includes(`${results}${path.sep}`));
      if (left.length > 0) throw new Error(left.join('; '));
    },
    { withinMs: takenBackWithinMs, everyMs: 50 },
  );
  const journal = journalOf(results);
  // Some undos must wait, and are tried again: the last look at each counts.
  const looks = new Map(journal.filter(({ say }) => say === 'read-back').map(({ id, clean }) => [id, clean]));
  expect([...looks.values()].filter((clean) => !clean)).toEqual([]);
  expect(journal.filter(({ say }) => say === 'fence-failed')).toEqual([]);
  return {
    afterMs,
    registered: journal.filter(({ say }) => say === 'register').length,
    tookMs: journal.some(({ say }) => say === 'clean') ? Math.round(performance.now() - killedAtMs) : null,
  };
}

for (const [name, maker] of await allFaults()) {
  if (!drawn('kill', name)) continue;
  describe(`the fault ${name}`, { timeout: 600_000 }, () => {
    it(`leaves nothing when its holder ends by SIGKILL at a random moment, ${kills} times`, async () => {
      const { target, parameters } = exampleOf(maker);
      const random = seededRandom([...name].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7) % 1_000_000);
      await ground.healthy(15_000).catch(renewGround);
      const before = await ground.snapshot();
      const attempts: Attempt[] = [];
      for (let round = 0; round < kills; round++) {
        attempts.push(await attempt(name, target, parameters, random.integer(0, 900), round));
        await ground.healthy();
      }
      expect(await ground.changes(before)).toEqual([]);
      // A kill that always came before the first deed would prove nothing.
      expect(
        attempts.some(({ registered }) => registered > 1),
        JSON.stringify(attempts),
      ).toBe(true);
    });
  });
}
