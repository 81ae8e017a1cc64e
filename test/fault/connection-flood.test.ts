import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { toolbox } from '../../src/driver.ts';
import connectionFlood from '../../src/fault/connection-flood.ts';
import { needsPython, python } from '../python.ts';
import { planned, scriptOf } from './planned.ts';
import { Sandbox } from './sandbox.ts';

/** A server on this machine, and how many connections it has open. */
async function listening(): Promise<{ readonly port: number; readonly open: ReadonlySet<Socket> } & AsyncDisposable> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {}).resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, open, [Symbol.asyncDispose]: close };
}

const withPython = { PATH: `${path.dirname(python)}${path.delimiter}${process.env['PATH']}` };

describe('connection-flood', () => {
  it('plans so many connections at each target', () => {
    expect(planned(connectionFlood('all primaries', { connections: 7 }))).toEqual({
      nodes: ['node-1', 'node-2', 'node-3'],
      connections: 7,
    });
    expect(() => connectionFlood('node-1', { connections: 0 })).toThrow(/connections .*got 0/);
  });
  it('holds its connections until it is undone, which ends no other', { timeout: 60_000 }, async (context) => {
    needsPython(context);
    await using server = await listening();
    using sandbox = new Sandbox(withPython);
    const flood = (connections: number, tag: string) => {
      const fault = connectionFlood('node-1', { connections });
      const [action] = fault.actions(planned(fault), tag);
      return (way: 'do' | 'undo' | 'residue') => sandbox.run(toolbox('node-1', scriptOf(action?.[way]).replace('6379', `${server.port}`)));
    };
    const [five, three] = [flood(5, `${process.pid}`), flood(3, `${process.pid}0`)];
    const openConnections = () => server.open.size;
    try {
      expect(five('do')).toEqual({ exitCode: 0, output: '' });
      expect(three('do')).toEqual({ exitCode: 0, output: '' });
      await expect.poll(openConnections, { timeout: 20_000 }).toBe(8);
      expect(five('residue').output).toMatch(/^\d+$/);
      expect(five('undo').exitCode).toBe(0);
      await expect.poll(openConnections, { timeout: 20_000 }).toBe(3);
      expect(five('residue')).toEqual({ exitCode: 0, output: '' });
      expect(three('residue').output).toMatch(/^\d+$/);
    } finally {
      five('undo');
      three('undo');
    }
    await expect.poll(openConnections, { timeout: 20_000 }).toBe(0);
  });
  it('says so where nobody answers', (context) => {
    needsPython(context);
    using sandbox = new Sandbox(withPython);
    const [action] = connectionFlood('node-1').actions(planned(connectionFlood('node-1')), 'x-1');
    const { exitCode, output } = sandbox.run(toolbox('node-1', scriptOf(action?.do).replace('6379', '1')));
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: expect.stringMatching(/^no connection could be opened: .*refused/) });
  });
});
