import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { poll } from '../src/base/poll.ts';
import type { Cluster } from '../src/cluster.ts';
import { Observer } from '../src/observe.ts';
import type { Recorder } from '../src/timeline/recorder.ts';

const command = /\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g;
const sockets = new Set<Socket>();
/** Answers PING as an engine does, and all else somehow; `mute` says of which connections it hears nothing any more. */
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    if (mute.has(socket)) return;
    for (const [text] of data.toString('latin1').matchAll(command)) socket.write(/ping/i.test(text) ? '+PONG\r\n' : '+OK\r\n');
  });
});
const mute = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

describe('an observer', () => {
  it('asks over a new connection where an old one answers no more', async () => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    const startedAtMs = performance.now();
    const recorder = { nowMs: () => performance.now() - startedAtMs, record: () => {} } as unknown as Recorder;
    const node = { name: 'node-1', dial: { host: '127.0.0.1', port } };
    const cluster = { nodes: [node], engine: { kind: 'redis', version: '7.0.15', image: '' } } as unknown as Cluster;
    await using observer = new Observer(cluster, recorder);
    observer.start(() => {});
    const heard = (): void => {
      if (observer.latest('ping', recorder.nowMs() - 300).size === 0) throw new Error('nothing was answered of late');
    };
    await poll('an answer', heard, { withinMs: 5_000, everyMs: 10 });
    for (const socket of sockets) mute.add(socket);
    await poll(
      'silence',
      () => {
        if (observer.silentMs('node-1') === 0) throw new Error('the last PING was answered');
      },
      { withinMs: 5_000, everyMs: 10 },
    );
    await poll('an answer over another connection', heard, { withinMs: 5_000, everyMs: 10 });
    expect(observer.silentMs('node-1')).toBe(0);
    expect(sockets.size).toBeGreaterThan(1);
  });
});
