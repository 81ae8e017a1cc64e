import { describe, expect, it, onTestFinished } from 'vitest';
import { poll } from '../../src/base/poll.ts';
import { Connection, Unanswered } from '../../src/load/connection.ts';
import { ReplyError } from '../../src/resp.ts';
import { type Answerer, bulk, FakeServer, ok } from './server.ts';

async function serverOf(answer?: Answerer): Promise<FakeServer> {
  const server = await FakeServer.open(answer);
  onTestFinished(() => server.close());
  return server;
}

/** Long enough never to pass in a test, unless that is what it is about. */
const patientMs = 20_000;

function connect(server: Pick<FakeServer, 'dial'>, timeoutMs = patientMs, greeting: readonly (readonly string[])[] = []): Connection {
  const connection = new Connection(server.dial, { name: 'tester', timeoutMs, greeting });
  onTestFinished(() => connection[Symbol.dispose]());
  return connection;
}

const unanswered = (request: Promise<unknown>): Promise<Unanswered> =>
  request.then(
    (reply) => Promise.reject(new Error(`expected no answer, got ${JSON.stringify(reply)}`)),
    (error: unknown) => {
      expect(error).toBeInstanceOf(Unanswered);
      return error as Unanswered;
    },
  );

/** Greets, and says what was asked. */
const echo: Answerer = ([name = '', ...args]) => (name === 'CLIENT' ? ok : bulk([name, ...args].join(' ')));

describe('a connection', () => {
  it('gives the replies in the order of the commands, errors among them', async () => {
    const server = await serverOf((command) => (command[0] === 'BAD' ? '-ERR no\r\n' : echo(command, undefined as never, 0)));
    const connection = connect(server);
    expect(await connection.settled()).toBe(true);
    const first = connection.request([['GET', 'a'], ['BAD'], ['GET', 'b']]);
    const second = connection.request([['GET', 'c']]);
    expect(await Promise.all([first, second])).toEqual([['GET a', new ReplyError('ERR no'), 'GET b'], ['GET c']]);
  });
  it('gives each of many requests under way its own answer', async () => {
    const connection = connect(await serverOf(echo));
    await connection.settled();
    const asked = Array.from({ length: 1_000 }, (_, n) => connection.request(n % 3 === 0 ? [[`${n}`], [`${n}+`]] : [[`${n}`]]));
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 1_000 }, (_, n) => (n % 3 === 0 ? [`${n}`, `${n}+`] : [`${n}`])));
  });
  it('sends what is asked in one turn of the event loop in one write', async () => {
    const chunks: string[] = [];
    const server = await serverOf((command, socket) => {
      if (command[0] === 'CLIENT') socket.on('data', (chunk) => chunks.push(chunk.toString('latin1')));
      return ok;
    });
    const connection = connect(server);
    await connection.settled();
    await Promise.all([connection.request([['A']]), connection.request([['B']])]);
    // The write before was over, and two small ones would not have been joined by the kernel without Nagle's delay.
    expect(chunks.filter((chunk) => !chunk.includes('CLIENT'))).toEqual(['*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n']);
  });
  it('takes a late answer for nobody else', async () => {
    let late: (() => void) | undefined;
    const server = await serverOf((command, socket) => {
      if (command[1] !== 'slow') return echo(command, socket, 0);
      late = () => socket.write(bulk('slow'));
      return undefined;
    });
    const connection = connect(server, 200);
    await connection.settled();
    const error = await unanswered(connection.request([['GET', 'slow']]));
    expect(error).toMatchObject({ message: 'Command timed out', sent: true });
    // A server answers in order: what is asked next is answered behind the late one.
    late?.();
    expect(await connection.request([['GET', 'next']])).toEqual(['GET next']);
  });
  it('says that a request was sent when its connection ends without an answer', async () => {
    const server = await serverOf((command, socket) => {
      if (command[0] === 'CLIENT') return ok;
      socket.end();
      return undefined;
    });
    const connection = connect(server);
    await connection.settled();
    const errors = await Promise.all([unanswered(connection.request([['SET', 'a', '1']])), unanswered(connection.request([['GET', 'a']]))]);
    expect(errors).toMatchObject([
      { message: 'Connection is closed', sent: true },
      { message: 'Connection is closed', sent: true },
    ]);
  });
  it('gives no answer to a request of which only a part was answered', async () => {
    const server = await serverOf((command, socket) => {
      if (command[0] === 'B') socket.destroy();
      return command[0] === 'B' ? undefined : ok;
    });
    const connection = connect(server);
    await connection.settled();
    expect(await unanswered(connection.request([['A'], ['B']]))).toMatchObject({ sent: true });
  });
  it('says that nothing was sent where it was never connected', async () => {
    const server = await serverOf();
    await server.close();
    const connection = connect(server);
    expect(await unanswered(connection.request([['SET', 'a', '1']]))).toMatchObject({ message: 'not connected yet', sent: false });
    expect(await connection.settled()).toBe(false);
    const error = await unanswered(connection.request([['SET', 'a', '1']]));
    expect(error.sent).toBe(false);
    expect(error.message).toMatch(/connect ECONNREFUSED/);
  });
  it('says that nothing was sent between an end and the next connection', async () => {
    const server = await serverOf();
    const connection = connect(server);
    await connection.settled();
    await server.close();
    const error = await poll('the connection to end', () => unanswered(connection.request([['SET', 'a', '1']])), { withinMs: 5_000 });
    await expect.poll(async () => (await unanswered(connection.request([['PING']]))).sent).toBe(false);
    expect(error.message).toMatch(/closed|ECONN/i);
  });
  it('comes back when the server does', async () => {
    const server = await serverOf(echo);
    const connection = connect(server);
    await connection.settled();
    await server.close();
    await unanswered(connection.request([['PING']]));
    await server.listen();
    const reply = await poll('an answer', () => connection.request([['PING']]), { withinMs: 5_000, everyMs: 5 });
    expect(reply).toEqual(['PING']);
  });
  it('does not take answers of its last life for those of the next', async () => {
    const server = await serverOf((command, socket, n) => (n === 1 && command[0] !== 'CLIENT' ? undefined : echo(command, socket, n)));
    const connection = connect(server);
    await connection.settled();
    const lost = [unanswered(connection.request([['GET', 'a']])), unanswered(connection.request([['GET', 'b']]))];
    await expect.poll(() => server.heard.length).toBe(2);
    server.hangUp();
    await Promise.all(lost);
    expect(await poll('an answer', () => connection.request([['GET', 'c']]), { withinMs: 5_000, everyMs: 5 })).toEqual(['GET c']);
  });
  it('names itself and asks its greeting first, on every connection', async () => {
    const commands: string[] = [];
    const server = await serverOf((command) => {
      commands.push(command.join(' '));
      return ok;
    });
    const connection = connect(server, patientMs, [['READONLY']]);
    await connection.settled();
    await connection.request([['PING']]);
    server.hangUp();
    await poll('an answer', () => connection.request([['PING']]), { withinMs: 5_000, everyMs: 5 });
    expect(commands).toEqual(['CLIENT SETNAME tester', 'READONLY', 'PING', 'CLIENT SETNAME tester', 'READONLY', 'PING']);
  });
  it('is not connected where its greeting is refused, and says why', async () => {
    const server = await serverOf(([name]) => (name === 'READONLY' ? '-NOPERM not for you\r\n' : ok));
    const connection = connect(server, patientMs, [['READONLY']]);
    expect(await connection.settled()).toBe(false);
    expect(await unanswered(connection.request([['GET', 'a']]))).toMatchObject({ message: 'NOPERM not for you', sent: false });
  });
  it('is connected to a node that is loading, which says so itself', async () => {
    const connection = connect(await serverOf(() => '-LOADING Redis is loading the dataset in memory\r\n'));
    expect(await connection.settled()).toBe(true);
    expect(await connection.request([['GET', 'a']])).toEqual([new ReplyError('LOADING Redis is loading the dataset in memory')]);
  });
  it('is not connected to a node that is loading and refuses to let it read from a replica', async () => {
    let loading = true;
    const server = await serverOf(([name]) => (loading && name === 'READONLY' ? '-LOADING wait\r\n' : ok));
    const connection = connect(server, patientMs, [['READONLY']]);
    expect(await connection.settled()).toBe(false);
    expect(await unanswered(connection.request([['GET', 'a']]))).toMatchObject({ message: 'LOADING wait', sent: false });
    loading = false;
    expect(await poll('an answer', () => connection.request([['GET', 'a']]), { withinMs: 5_000, everyMs: 5 })).toEqual(['OK']);
  });
  it('is not connected where nobody greets back', async () => {
    const connection = connect(await serverOf(() => undefined), 30);
    expect(await connection.settled()).toBe(false);
    expect(await unanswered(connection.request([['GET', 'a']]))).toMatchObject({ sent: false });
  });
  it('ends where something answers that is no server of ours', async () => {
    const server = await serverOf(([name]) => (name === 'CLIENT' ? ok : 'HTTP/1.1 400 Bad Request\r\n'));
    const connection = connect(server);
    await connection.settled();
    const error = await unanswered(connection.request([['GET', 'a']]));
    expect(error.message).toMatch(/^expected a reply in RESP, got a byte 72/);
    expect(error.sent).toBe(true);
  });
  it('answers whoever waits when it is thrown away', async () => {
    const server = await serverOf(([name]) => (name === 'CLIENT' ? ok : undefined));
    const connection = connect(server);
    await connection.settled();
    const request = unanswered(connection.request([['GET', 'a']]));
    const young = connect(await serverOf(() => undefined));
    const settled = young.settled();
    connection[Symbol.dispose]();
    young[Symbol.dispose]();
    expect(await request).toMatchObject({ sent: true });
    expect(await settled).toBe(false);
    expect(await unanswered(connection.request([['GET', 'a']]))).toMatchObject({ sent: false });
    expect(server.connections).toBe(1);
  });
  it('logs in before anything else, as the default user or as another', async () => {
    for (const [login, words] of [
      [{ password: 's3cret' }, ['AUTH', 's3cret']],
      [{ username: 'app', password: 's3cret' }, ['AUTH', 'app', 's3cret']],
    ] as const) {
      const server = await serverOf(echo);
      const connection = connect({ dial: { ...server.dial, login } } as never, patientMs, [['READONLY']]);
      expect(await connection.settled()).toBe(true);
      expect(server.heard).toEqual([words, ['READONLY']]);
    }
  });
  it('is none where its password is refused', async () => {
    const server = await serverOf(([name]) => (name === 'AUTH' ? '-WRONGPASS invalid username-password pair\r\n' : ok));
    const connection = connect({ dial: { ...server.dial, login: { password: 'old' } } } as never);
    expect(await connection.settled()).toBe(false);
    expect(await unanswered(connection.request([['PING']]))).toMatchObject({ sent: false, message: expect.stringMatching(/^WRONGPASS/) });
  });
  it('looks the name up each time before it connects, and is none while that fails', async () => {
    const server = await serverOf(echo);
    let resolves = false;
    const lookUp = (): Promise<void> => (resolves ? Promise.resolve() : Promise.reject(new Error('getaddrinfo node-1 EAI_AGAIN')));
    const connection = connect({ dial: { ...server.dial, lookUp } } as never);
    expect(await connection.settled()).toBe(false);
    expect(await unanswered(connection.request([['PING']]))).toMatchObject({ sent: false, message: 'getaddrinfo node-1 EAI_AGAIN' });
    expect(server.connections).toBe(0);
    resolves = true;
    expect(await poll('a connection', () => connection.request([['PING']]), { withinMs: patientMs })).toEqual(['PING']);
    // What stands lives on without its name.
    resolves = false;
    expect(await connection.request([['PING']])).toEqual(['PING']);
    server.hangUp();
    await poll(
      'it to be looked up again',
      async () => expect((await unanswered(connection.request([['PING']]))).message).toMatch(/EAI_AGAIN/),
      {
        withinMs: patientMs,
      },
    );
  });
});
