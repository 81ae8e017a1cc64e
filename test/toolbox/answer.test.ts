import { spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endResidents, residents } from '../../src/resident.ts';
import { packageRoot } from '../../src/version.ts';
import { needsPython, python } from '../python.ts';

const program = path.join(packageRoot, 'compose', 'toolbox', 'answer.py');
const word = `slotquake-answer=${process.pid}=`;
const shell = (script: string): string => spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout.trim();

const startAt = (port: number) =>
  spawnSync(python, ['-B', program, word, `port=${port}`, 'address=192.0.2.7'], { encoding: 'utf8', timeout: 20_000 });

/** A socket at a port of its own. */
async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

describe('the name server that answers wrongly', { timeout: 60_000 }, () => {
  let port: number;
  let started: ReturnType<typeof startAt> | undefined;
  beforeAll(async () => {
    if (python === '') return;
    await using free = await bound();
    ({ port } = free.address());
    await free[Symbol.asyncDispose]();
    started = startAt(port);
  });
  afterAll(() => void shell(endResidents(word)));

  const resolver = (): Resolver => {
    const asking = new Resolver({ timeout: 20_000, tries: 1 });
    asking.setServers([`127.0.0.1:${port}`]);
    return asking;
  };
  /** What comes back for these bytes. */
  async function answerTo(question: Buffer): Promise<Buffer> {
    await using client = await bound();
    const answer = once(client, 'message') as Promise<[Buffer]>;
    client.send(question, port, '127.0.0.1');
    return (await answer)[0];
  }
  const question = (type: number, name = '\x06node-1\x00'): Buffer =>
    Buffer.concat([Buffer.from([0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.from(name, 'latin1'), Buffer.from([0, type, 0, 1])]);

  it('gives one address for every name, by the time it has started', async (context) => {
    needsPython(context);
    expect(started).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(await resolver().resolve4('node-1')).toEqual(['192.0.2.7']);
    expect(await resolver().resolve4('redis.example.org')).toEqual(['192.0.2.7']);
  });
  it('has nothing of any other kind', async (context) => {
    needsPython(context);
    await expect(resolver().resolve6('node-1')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver().resolveTxt('node-1')).rejects.toMatchObject({ code: 'ENODATA' });
  });
  it('repeats the number and the question, and points to its name', async (context) => {
    needsPython(context);
    const asked = question(1);
    const answer = await answerTo(asked);
    expect(answer.subarray(0, 12).toString('hex')).toBe('abcd85800001000100000000');
    expect(answer.subarray(12, asked.length)).toEqual(asked.subarray(12));
    expect(answer.subarray(asked.length).toString('hex')).toBe('c00c00010001000000010004c0000207');
  });
  it('leaves out what a question has behind it, such as the options of resolvers', async (context) => {
    needsPython(context);
    const asked = question(28);
    const answer = await answerTo(Buffer.concat([asked, Buffer.from('0000291000000000000000', 'hex')]));
    expect(answer.subarray(12)).toEqual(asked.subarray(12));
  });
  it('survives what is no question, and says nothing to what is too short for one', async (context) => {
    needsPython(context);
    await using client = await bound();
    const heard: number[] = [];
    const last = new Promise<void>((resolve) => {
      client.on('message', (answer) => {
        heard.push(answer.readUInt16BE(0));
        if (answer.readUInt16BE(6) === 1) resolve();
      });
    });
    const numbered = (number: number, rest: Buffer): Buffer => Buffer.concat([Buffer.from([0, number]), rest.subarray(2)]);
    const asked = [Buffer.from('?? hello'), Buffer.alloc(4_000, 0xff), question(1).subarray(0, 17), question(1)];
    for (const [number, broken] of asked.entries()) client.send(numbered(number, broken), port, '127.0.0.1');
    await last;
    expect(heard).toEqual([1, 2, 3]);
  });
  it('says so where the port is taken, and leaves nothing behind', async (context) => {
    needsPython(context);
    await using other = await bound();
    const taken = other.address().port;
    const before = shell(residents(word));
    expect(startAt(taken)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(`expected a free udp port ${taken} for wrong answers: `),
    });
    expect(shell(residents(word))).toBe(before);
  });
  it('goes on until it is ended by its word', async (context) => {
    needsPython(context);
    expect(shell(residents(word))).toMatch(/^\d+$/);
    shell(endResidents(word));
    await expect.poll(() => shell(residents(word)), { timeout: 20_000 }).toBe('');
  });
});
