import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { Load, openLoad } from '../../src/load.ts';
import type { OpenSession } from '../../src/load/session.ts';
import type { Operation } from '../../src/timeline/history.ts';
import type { Workload } from '../../src/workload.ts';
import queue from '../../src/workload/queue.ts';
import registers from '../../src/workload/registers.ts';
import { bulk, fakeCluster, FakeServer, ok } from './server.ts';

/** What a load is made of, and what it has recorded. */
function partsOf(cluster: ReturnType<typeof fakeCluster>, workload: Workload) {
  const folder = mkdtempSync(path.join(tmpdir(), 'load-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const operations: Operation[] = [];
  const history = { add: (operation: Operation) => void operations.push(operation), flush: () => {}, [Symbol.dispose]: () => {} };
  const parts = { cluster, workload, random: seededRandom(1), nowMs: () => performance.now(), folder, onUnwritable: () => {}, history };
  return { parts, operations };
}

describe('a take from a queue', () => {
  it('is a write, which waits for replicas too', async () => {
    const server = await FakeServer.open(([name]) => (name === 'RPOPLPUSH' ? bulk('7') : name === 'WAIT' ? ':0\r\n' : ok));
    onTestFinished(() => server.close());
    const { parts, operations } = partsOf(
      fakeCluster(Array.from({ length: 6 }, () => server.dial)),
      queue({ rate: 'closed', clients: 2, readShare: 1, wait: 1, readsFrom: 'replica' }),
    );
    const load = await openLoad(parts);
    onTestFinished(() => load[Symbol.dispose]());
    load.start();
    await expect.poll(() => operations.length).toBeGreaterThan(5);
    await load.stop();
    for (const operation of operations)
      expect(operation).toMatchObject({ verb: 'take', outcome: 'unknown', reason: 'wait', value: -1, replica: false });
  });
});

describe('the end of a load', () => {
  it('is the end of what its clients have queued', async () => {
    let closed = 0;
    const library: OpenSession = () => ({ request: () => new Promise(() => {}), [Symbol.dispose]: () => void closed++ });
    const { parts, operations } = partsOf(fakeCluster(), registers({ clients: 3, timeoutMs: 1 }));
    const load = new Load(parts, registers.kind, library);
    load.start();
    await Promise.all([load.stop(), load.stop()]);
    expect(load.counts).toEqual({ ok: 0, failed: 0, unknown: operations.length });
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
    expect(closed).toBe(3);
    load[Symbol.dispose]();
    expect(closed).toBe(3);
  });
});
