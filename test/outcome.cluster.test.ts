import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../src/base/poll.ts';
import { type Cluster, type Node, nodeNamed } from '../src/cluster.ts';
import { formCluster } from '../src/cluster/form.ts';
import { endPatience } from '../src/cluster/patience.ts';
import { keySlot } from '../src/cluster/topology.ts';
import { dockerDriver } from '../src/driver/docker.ts';
import { type Command, files, toolbox } from '../src/driver.ts';
import { resolveEngineImage, resolveToolboxImage } from '../src/image.ts';
import { Connection } from '../src/load/connection.ts';
import { type Reply, ReplyError } from '../src/resp.ts';
import { outcomeOf, outcomeTable } from '../src/workload/outcome.ts';
import { newRunId } from './own-runs.ts';

/** What a client was told, and whether the operation turned out to have happened. */
interface Seen {
  /** Absent where there is no error and the load itself decides. */
  readonly error?: unknown;
  readonly happened: boolean;
}

interface Case {
  readonly reason: string;
  readonly when: string;
  readonly happened: boolean;
  provoke(): Promise<Seen>;
}

let cluster: Cluster;
/** Serves the key of each case; its replica. */
let primary: Node;
let replica: Node;
/** Serves other slots. */
let stranger: Node;
/** A connection of the test's own to each, for settings and for reading back. */
let control: Record<'primary' | 'replica' | 'stranger', Connection>;
/** A key that no case has used, in a slot of the primary. */
let key = '';
let count = 0;

const serves = (node: Node, name: string): boolean => node.slots.some(([first, last]) => first <= keySlot(name) && keySlot(name) <= last);

const connectTo = async (node: Node, timeoutMs = 5_000): Promise<Connection> => {
  const connection = new Connection(node.dial, { name: 'slotquake-outcome', timeoutMs });
  if (!(await connection.settled())) throw new Error(`${node.name} does not let us in`);
  return connection;
};

/** The last reply; an error is thrown. */
async function ask(connection: Connection, ...commands: readonly (readonly string[])[]): Promise<Reply> {
  const replies = await connection.request(commands);
  for (const reply of replies) if (reply instanceof ReplyError) throw reply;
  return replies.at(-1) as Reply;
}

/** Asks as a control, again and again while the node refuses or does not answer. */
const insist = (connection: Connection, ...command: readonly string[]): Promise<Reply> =>
  poll(
    command.join(' '),
    async () => {
      try {
        return { reply: await ask(connection, command) };
      } catch (error) {
        throw new Error((error as { message: string }).message, { cause: error });
      }
    },
    { withinMs: 20_000 },
  ).then(({ reply }) => reply);

const errorOf = (deed: Promise<unknown>): Promise<unknown> =>
  deed.then(
    () => undefined,
    (error: unknown) => error,
  );
const is = async (value: string | null, connection = control.primary): Promise<boolean> => (await insist(connection, 'GET', key)) === value;

async function must(command: Command): Promise<string> {
  const { exitCode, output } = await cluster.hosts.perform(command);
  if (exitCode !== 0) throw new Error(`${JSON.stringify(command)} ended with ${exitCode}: ${output}`);
  return output;
}

/** Carries a write out on a new connection while the node has these settings. */
async function under(settings: Readonly<Record<string, string>>, ...commands: readonly (readonly string[])[]): Promise<Seen> {
  const names = Object.keys(settings);
  const before = (await ask(control.primary, ['CONFIG', 'GET', ...names])) as readonly string[];
  await ask(control.primary, ['CONFIG', 'SET', ...Object.entries(settings).flat()]);
  using client = await connectTo(primary);
  const error = await errorOf(ask(client, ...commands));
  await ask(control.primary, ['CONFIG', 'SET', ...before]);
  return { error, happened: !(await is(null)) };
}

/** A write to the primary as it is. */
async function writes(...commands: readonly (readonly string[])[]): Promise<Seen> {
  using client = await connectTo(primary);
  return { error: await errorOf(ask(client, ...commands)), happened: !(await is(null)) };
}

/** While the primary reads nothing of what this client sends, because packets of it are dropped. */
async function deaf(client: Connection, deed: () => Promise<void>): Promise<void> {
  const [, port = ''] = /addr=\S+:(\d+) laddr/.exec(String(await ask(client, ['CLIENT', 'INFO']))) ?? [];
  const rule = `INPUT -p tcp --sport ${port} --dport 6379 -j DROP`;
  await must(toolbox(primary.name, `iptables -I ${rule}`));
  try {
    await deed();
  } finally {
    await must(toolbox(primary.name, `iptables -D ${rule}`));
  }
}

const idOf = async (client: Connection): Promise<string> => String(await ask(client, ['CLIENT', 'ID']));

/** While the engine's process stands still. */
async function paused(deed: () => Promise<void>): Promise<void> {
  await must({ run: 'pause', node: primary.name });
  try {
    await deed();
  } finally {
    await must({ run: 'unpause', node: primary.name });
  }
}

/** Resolves with what is said when reading the key is refused. */
const refuses = (connection: Connection): Promise<ReplyError> =>
  poll(
    'a refusal',
    async () => {
      const [reply] = await connection.request([['GET', key]]);
      if (!(reply instanceof ReplyError)) throw new Error('it answers');
      return reply;
    },
    { withinMs: 10_000, everyMs: 5 },
  );

/** Runs a script on a connection of its own until it is killed, or until it ends by itself. */
async function script(text: string, deed: () => Promise<Seen>): Promise<Seen & { readonly ended: unknown }> {
  using client = await connectTo(primary, 20_000);
  await ask(control.primary, ['CONFIG', 'SET', 'busy-reply-threshold', '20']);
  const ended = errorOf(ask(client, ['EVAL', text, '1', key]));
  await refuses(control.primary);
  const seen = await deed();
  return { ...seen, ended: await ended };
}

const forever = 'while true do end';
/** Long enough to be noticed. A clock inside a script stands still, so it counts. */
const aWhile = 'for n = 1, 30000000 do end';

const cases: readonly Case[] = [
  {
    reason: 'moved',
    when: 'another node serves the slot',
    happened: false,
    async provoke() {
      const error = await errorOf(ask(control.stranger, ['SET', key, '1']));
      return { error, happened: !(await is(null)) };
    },
  },
  {
    reason: 'ask',
    when: 'the slot is on its way and the key is not there',
    happened: false,
    provoke: () => migrating(['SET', key, '1']),
  },
  {
    reason: 'tryagain',
    when: 'the slot is on its way and one of two keys is there',
    happened: false,
    async provoke() {
      await ask(control.primary, ['SET', `{${key}}:here`, '1']);
      return migrating(['MSET', `{${key}}:here`, '2', key, '2']);
    },
  },
  {
    reason: 'clusterdown',
    when: 'nobody serves the slot',
    happened: false,
    async provoke() {
      const slot = `${keySlot(key)}`;
      await ask(control.primary, ['CLUSTER', 'DELSLOTS', slot]);
      const error = await errorOf(ask(control.primary, ['SET', key, '1']));
      await ask(control.primary, ['CLUSTER', 'ADDSLOTS', slot]);
      return { error, happened: !(await is(null)) };
    },
  },
  {
    reason: 'crossslot',
    when: 'two keys are in two slots',
    happened: false,
    provoke: () => writes(['MSET', key, '1', `${key}:other`, '1']),
  },
  {
    reason: 'readonly',
    when: 'a write without keys is sent to a replica',
    happened: false,
    async provoke() {
      await ask(control.primary, ['SET', key, '1'], ['WAIT', '1', '5000']);
      const error = await errorOf(ask(control.replica, ['FLUSHALL']));
      return { error, happened: !(await is('1', control.replica)) };
    },
  },
  {
    reason: 'loading',
    when: 'the node reads its data',
    happened: false,
    async provoke() {
      await ask(control.primary, ['DEBUG', 'POPULATE', '3000', `{${key}}:filler`]);
      await ask(control.primary, ['CONFIG', 'SET', 'key-load-delay', '300', 'loading-process-events-interval-bytes', '1024']);
      using loader = await connectTo(primary, 30_000);
      using client = await connectTo(primary);
      const loaded = ask(loader, ['DEBUG', 'RELOAD']);
      await refuses(control.primary);
      const error = await errorOf(ask(client, ['SET', key, '1']));
      await loaded;
      await ask(control.primary, ['CONFIG', 'SET', 'key-load-delay', '0']);
      const happened = !(await is(null));
      await ask(control.primary, ['EVAL', `for n = 0, 2999 do redis.call('DEL', KEYS[1] .. ':' .. n) end`, '1', `{${key}}:filler`]);
      return { error, happened };
    },
  },
  {
    reason: 'masterdown',
    when: 'a replica without its primary must not serve stale data',
    happened: false,
    async provoke() {
      await ask(
        control.replica,
        ['CONFIG', 'SET', 'replica-serve-stale-data', 'no', 'masterauth', 'wrong'],
        ['CLIENT', 'KILL', 'TYPE', 'master'],
      );
      // A read that is refused has read nothing; an answer would have been one.
      const error = await refuses(control.replica);
      await ask(control.replica, ['CONFIG', 'SET', 'replica-serve-stale-data', 'yes', 'masterauth', '']);
      await linked();
      return { error, happened: false };
    },
  },
  {
    reason: 'misconf',
    when: 'saving failed',
    happened: false,
    async provoke() {
      const failing = async (status: string): Promise<void> => {
        await ask(control.primary, ['BGSAVE']);
        await poll(
          `a save that is ${status}`,
          async () => {
            const info = String(await ask(control.primary, ['INFO', 'persistence']));
            if (!info.includes('rdb_bgsave_in_progress:0') || !info.includes(`rdb_last_bgsave_status:${status}`)) throw new Error(info);
          },
          { withinMs: 10_000 },
        );
      };
      // A file cannot be renamed onto a folder.
      await must(files(primary.name, 'rm -f /data/dump.rdb; mkdir /data/dump.rdb'));
      await failing('err');
      const seen = await under({ save: '3600 1' }, ['SET', key, '1']);
      const inScript = await under({ save: '3600 1' }, ['EVAL', "redis.call('SET', KEYS[1], '1')", '1', key]);
      expect(outcomeOf(inScript.error)).toEqual(outcomeOf(seen.error));
      expect(inScript.happened).toBe(false);
      await must(files(primary.name, 'rmdir /data/dump.rdb'));
      await failing('ok');
      return seen;
    },
  },
  { reason: 'oom', when: 'memory is full', happened: false, provoke: () => under({ maxmemory: '1' }, ['SET', key, '1']) },
  {
    reason: 'oom',
    when: 'memory is full before the first write of a script',
    happened: false,
    provoke: () => under({ maxmemory: '1' }, ['EVAL', "redis.call('GET', KEYS[1]); redis.call('SET', KEYS[1], '1')", '1', key]),
  },
  {
    reason: 'noreplicas',
    when: 'too few replicas are in touch',
    happened: false,
    provoke: () => under({ 'min-replicas-to-write': '5' }, ['SET', key, '1']),
  },
  {
    reason: 'execabort',
    when: 'a command of the transaction was refused while it was queued',
    happened: false,
    async provoke() {
      using client = await connectTo(primary);
      const replies = await client.request([['MULTI'], ['SET', key, '1'], ['SET', key], ['EXEC']]);
      return { error: replies.at(-1), happened: !(await is(null)) };
    },
  },
  {
    reason: 'busy',
    when: "somebody else's script runs",
    happened: false,
    async provoke() {
      const { ended, ...seen } = await script(forever, async () => {
        const error = await errorOf(ask(control.primary, ['SET', key, '1']));
        await ask(control.primary, ['SCRIPT', 'KILL']);
        return { error, happened: !(await is(null)) };
      });
      expect(outcomeOf(ended)).toEqual({ outcome: 'unknown', reason: 'script' });
      return seen;
    },
  },
  {
    reason: 'unkillable',
    when: 'a script that has written is to be killed',
    happened: false,
    async provoke() {
      let error: unknown;
      const { ended } = await script(`redis.call('SET', KEYS[1], '1'); ${aWhile}`, async () => {
        error = await errorOf(ask(control.primary, ['SCRIPT', 'KILL']));
        return { happened: false };
      });
      // The script has ended well, so it was not killed.
      expect(await is('1')).toBe(true);
      return { error, happened: ended !== undefined };
    },
  },
  {
    reason: 'script',
    when: 'a script fails after it has written',
    happened: true,
    provoke: () => writes(['EVAL', "redis.call('SET', KEYS[1], '1'); redis.call('LPUSH', KEYS[1], '2')", '1', key]),
  },
  {
    reason: 'script',
    when: 'a script fails before it has written',
    happened: false,
    async provoke() {
      await ask(control.primary, ['RPUSH', `{${key}}:list`, '1']);
      return writes(['EVAL', "redis.call('GET', KEYS[2]); redis.call('SET', KEYS[1], '1')", '2', key, `{${key}}:list`]);
    },
  },
  {
    reason: 'auth',
    when: 'nobody has logged in',
    happened: false,
    async provoke() {
      using client = await connectTo(primary);
      await ask(control.primary, ['ACL', 'SETUSER', 'outcome', 'on', '>secret', '~*', '+@all']);
      await ask(client, ['AUTH', 'outcome', 'secret'], ['ACL', 'SETUSER', 'default', 'off']);
      try {
        using stranded = new Connection(primary.dial, { name: 'slotquake-outcome', timeoutMs: 1_000 });
        await stranded.settled();
        const error = await errorOf(stranded.request([['SET', key, '1']]));
        return { error, happened: (await ask(client, ['GET', key])) !== null };
      } finally {
        await ask(client, ['ACL', 'SETUSER', 'default', 'on']);
      }
    },
  },
  { reason: 'auth', when: 'the password is wrong', happened: false, provoke: () => writes(['AUTH', 'outcome', 'wrong']) },
  {
    reason: 'auth',
    when: 'the user may not write',
    happened: false,
    async provoke() {
      await ask(control.primary, ['ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@read', '+client']);
      using client = await connectTo(primary);
      await ask(client, ['AUTH', 'reader', 'secret']);
      return { error: await errorOf(ask(client, ['SET', key, '1'])), happened: !(await is(null)) };
    },
  },
  {
    reason: 'wrongtype',
    when: 'the key holds something else',
    happened: false,
    async provoke() {
      await ask(control.primary, ['SET', key, '1']);
      const error = await errorOf(ask(control.primary, ['LPUSH', key, '2']));
      return { error, happened: !(await is('1')) };
    },
  },
  {
    reason: 'unblocked',
    when: 'the primary is replaced while WAIT waits for the write before it',
    happened: true,
    async provoke() {
      using client = await connectTo(primary);
      const waiting = errorOf(ask(client, ['SET', key, '1'], ['WAIT', '5', '0']));
      await blocked();
      await came(control.replica);
      await takeOver();
      return { error: await waiting, happened: await is('1') };
    },
  },
  {
    reason: 'unblocked',
    when: 'the primary is replaced while a read waits for a list',
    happened: false,
    async provoke() {
      using client = await connectTo(primary);
      const waiting = errorOf(ask(client, ['BLMOVE', `{${key}}:list`, key, 'LEFT', 'LEFT', '0']));
      await blocked();
      await takeOver();
      const error = await waiting;
      // It does not wait there any more.
      await ask(control.primary, ['RPUSH', `{${key}}:list`, '1']);
      return { error, happened: !(await is(null)) };
    },
  },
  {
    reason: 'refused',
    when: 'nothing listens',
    happened: false,
    async provoke() {
      await must({ run: 'stop', node: stranger.name, graceSeconds: 5 });
      try {
        using client = new Connection(stranger.dial, { name: 'slotquake-outcome', timeoutMs: 1_000 });
        await client.settled();
        return { error: await errorOf(client.request([['SET', key, '1']])), happened: !(await is(null)) };
      } finally {
        await must({ run: 'start', node: stranger.name });
      }
    },
  },
  {
    reason: 'unresolved',
    when: 'its name leads nowhere',
    happened: false,
    async provoke() {
      // A name that no resolver needs to be asked for.
      using client = new Connection({ ...primary.dial, host: 'no..body' }, { name: 'slotquake-outcome', timeoutMs: 1_000 });
      await client.settled();
      return { error: await errorOf(client.request([['SET', key, '1']])), happened: !(await is(null)) };
    },
  },
  {
    reason: 'unreachable',
    when: 'no way leads there',
    happened: false,
    async provoke() {
      const rule = 'INPUT -p tcp --dport 6379 --syn -j REJECT --reject-with icmp-host-unreachable';
      await must(toolbox(primary.name, `iptables -I ${rule}`));
      try {
        using client = new Connection(primary.dial, { name: 'slotquake-outcome', timeoutMs: 5_000 });
        await client.settled();
        return { error: await errorOf(client.request([['SET', key, '1']])), happened: !(await is(null)) };
      } finally {
        await must(toolbox(primary.name, `iptables -D ${rule}`));
      }
    },
  },
  {
    reason: 'unreachable',
    when: 'nobody answers the attempt to connect',
    happened: false,
    async provoke() {
      const rule = 'INPUT -p tcp --dport 6379 --syn -j DROP';
      await must(toolbox(primary.name, `iptables -I ${rule}`));
      try {
        using client = new Connection(primary.dial, { name: 'slotquake-outcome', timeoutMs: 300 });
        await client.settled();
        return { error: await errorOf(client.request([['SET', key, '1']])), happened: !(await is(null)) };
      } finally {
        await must(toolbox(primary.name, `iptables -D ${rule}`));
      }
    },
  },
  {
    reason: 'not-connected',
    when: 'the connection is not open yet',
    happened: false,
    async provoke() {
      using client = new Connection(primary.dial, { name: 'slotquake-outcome', timeoutMs: 1_000 });
      const error = await errorOf(client.request([['SET', key, '1']]));
      await client.settled();
      await ask(client, ['PING']);
      return { error, happened: !(await is(null)) };
    },
  },
  {
    reason: 'timeout',
    when: 'the node stands still, and goes on later',
    happened: true,
    async provoke() {
      using client = await connectTo(primary, 300);
      let error: unknown;
      await paused(async () => {
        error = await errorOf(ask(client, ['SET', key, '1']));
      });
      return { error, happened: await came() };
    },
  },
  {
    reason: 'timeout',
    when: 'the command is lost on its way',
    happened: false,
    async provoke() {
      using client = await connectTo(primary, 300);
      const id = await idOf(client);
      let error: unknown;
      await deaf(client, async () => {
        error = await errorOf(ask(client, ['SET', key, '1']));
        // What the kernel sends once more finds no connection any more.
        await ask(control.primary, ['CLIENT', 'KILL', 'ID', id]);
      });
      return { error, happened: !(await is(null)) };
    },
  },
  {
    reason: 'reset',
    when: 'the node dies with the command unread',
    happened: false,
    async provoke() {
      using client = await connectTo(stranger);
      const its = own(stranger);
      await must({ run: 'pause', node: stranger.name });
      const waiting = errorOf(ask(client, ['SET', its, '1']));
      await arrived(stranger);
      await must({ run: 'kill', node: stranger.name, signal: 'SIGKILL' });
      const error = await waiting;
      await must({ run: 'start', node: stranger.name });
      return { error, happened: (await insist(control.stranger, 'GET', its)) !== null };
    },
  },
  {
    reason: 'reset',
    when: 'the command was carried out, and its connection is reset before the answer',
    happened: true,
    async provoke() {
      using client = await connectTo(primary);
      const [, port = ''] = /addr=\S+:(\d+) laddr/.exec(String(await ask(client, ['CLIENT', 'INFO']))) ?? [];
      const answers = `OUTPUT -p tcp --sport 6379 --dport ${port} -j DROP`;
      const more = `INPUT -p tcp --sport ${port} --dport 6379 -j REJECT --reject-with tcp-reset`;
      await must(toolbox(primary.name, `iptables -I ${answers}`));
      const waiting = errorOf(ask(client, ['SET', key, '1']));
      const happened = await came();
      // The client sends the command again, since nobody has told it that it arrived.
      await must(toolbox(primary.name, `iptables -I OUTPUT -p tcp --tcp-flags RST RST -j ACCEPT; iptables -I ${more}`));
      const error = await waiting;
      await must(
        toolbox(primary.name, `iptables -D ${more}; iptables -D ${answers}; iptables -D OUTPUT -p tcp --tcp-flags RST RST -j ACCEPT`),
      );
      return { error, happened };
    },
  },
  {
    reason: 'closed',
    when: 'the command was carried out, and its connection ended before the answer',
    happened: true,
    async provoke() {
      using client = await connectTo(primary);
      const id = await idOf(client);
      let waiting: Promise<unknown> | undefined;
      // Both are read in one turn of the node's event loop, in this order; answers are written at the end of the turn.
      await paused(async () => {
        waiting = errorOf(ask(client, ['SET', key, '1']));
        await arrived(primary);
        void errorOf(ask(control.primary, ['CLIENT', 'KILL', 'ID', id]));
        await arrived(primary, 2);
      });
      return { error: await waiting, happened: await is('1') };
    },
  },
  {
    reason: 'closed',
    when: 'the command is still on its way when the connection ends',
    happened: false,
    async provoke() {
      using client = await connectTo(primary);
      const id = await idOf(client);
      let error: unknown;
      await deaf(client, async () => {
        const waiting = errorOf(ask(client, ['SET', key, '1']));
        await ask(control.primary, ['CLIENT', 'KILL', 'ID', id]);
        error = await waiting;
      });
      return { error, happened: !(await is(null)) };
    },
  },
  {
    reason: 'wait',
    when: 'no replica answers in time, and nothing else happens',
    happened: true,
    async provoke() {
      expect(await ask(control.primary, ['SET', key, '1'], ['WAIT', '5', '50'])).toBeLessThan(5);
      return { happened: await is('1') };
    },
  },
  {
    reason: 'wait',
    when: 'a replica that does not have the write takes over',
    happened: false,
    async provoke() {
      await ask(control.replica, ['CONFIG', 'SET', 'masterauth', 'wrong'], ['CLIENT', 'KILL', 'TYPE', 'master']);
      await poll(
        'the replica to be without its primary',
        async () => {
          const info = String(await ask(control.primary, ['INFO', 'replication']));
          if (!info.includes('connected_slaves:0')) throw new Error(info);
        },
        { withinMs: 10_000 },
      );
      expect(await ask(control.primary, ['SET', key, '1'], ['WAIT', '1', '50'])).toBe(0);
      await takeOver();
      return { happened: !(await is(null)) };
    },
  },
  {
    reason: 'never-answered',
    when: 'the client waits for a node that stands still, and goes on later',
    happened: true,
    async provoke() {
      using client = await connectTo(primary, 60_000);
      await paused(async () => {
        void errorOf(ask(client, ['SET', key, '1']));
        await arrived(primary);
      });
      return { happened: await came() };
    },
  },
  {
    reason: 'never-answered',
    when: 'the command is lost on its way',
    happened: false,
    async provoke() {
      const client = await connectTo(primary, 60_000);
      const id = await idOf(client);
      await deaf(client, async () => {
        void errorOf(ask(client, ['SET', key, '1']));
        await ask(control.primary, ['PING']);
        client[Symbol.dispose]();
        await ask(control.primary, ['CLIENT', 'KILL', 'ID', id]);
      });
      return { happened: !(await is(null)) };
    },
  },
];

/** The error of a command while the slot of the key moves to the stranger. */
async function migrating(command: readonly string[]): Promise<Seen> {
  const slot = `${keySlot(key)}`;
  await ask(control.stranger, ['CLUSTER', 'SETSLOT', slot, 'IMPORTING', primary.id]);
  await ask(control.primary, ['CLUSTER', 'SETSLOT', slot, 'MIGRATING', stranger.id]);
  const error = await errorOf(ask(control.primary, command));
  await ask(control.primary, ['CLUSTER', 'SETSLOT', slot, 'STABLE']);
  await ask(control.stranger, ['CLUSTER', 'SETSLOT', slot, 'STABLE']);
  return { error, happened: !(await is(null)) };
}

/** Whether the write has happened, as soon as it has. */
const came = (connection = control.primary): Promise<boolean> =>
  poll(
    'the write',
    async () => {
      if (!(await is('1', connection))) throw new Error('it is not there');
      return true;
    },
    { withinMs: 10_000, everyMs: 5 },
  );

/** Resolves when that many connections of the node hold something that the engine has not read. */
async function arrived(node: Node, connections = 1): Promise<void> {
  await poll(
    'the command to arrive',
    async () => {
      // The second number of tx_queue:rx_queue; 01 is an established connection.
      const sockets = await must(toolbox(node.name, 'awk \'$4 == "01" {print $2, $5}\' /proc/net/tcp'));
      const waiting = sockets.split('\n').filter((line) => /^[0-9A-F]+:18EB [0-9A-F]{8}:(?!0{8})/.test(line));
      if (waiting.length < connections) throw new Error(sockets);
    },
    { withinMs: 5_000, everyMs: 20 },
  );
}

/** Resolves when a client waits at the primary for something to happen. */
async function blocked(): Promise<void> {
  await poll(
    'a client to be blocked',
    async () => {
      const info = String(await ask(control.primary, ['INFO', 'clients']));
      if (!/blocked_clients:[1-9]/.test(info)) throw new Error(info);
    },
    { withinMs: 5_000, everyMs: 5 },
  );
}

/** Resolves when the replica gets what is written; its link is up as much as a second before that. */
async function linked(): Promise<void> {
  const probe = own(cluster.nodes[0] as Node);
  await poll(
    'the replica to follow',
    async () => {
      if ((await ask(control.primary, ['SET', probe, '1'], ['WAIT', '1', '500'])) !== 1) throw new Error('it does not acknowledge');
    },
    { withinMs: 20_000 },
  );
}

/** The replica becomes the primary, without asking anybody. The two change their names here. */
async function takeOver(): Promise<void> {
  await ask(control.replica, ['CLUSTER', 'FAILOVER', 'TAKEOVER']);
  [primary, replica] = [replica, primary];
  control = { ...control, primary: control.replica, replica: control.primary };
  await ask(control.primary, ['CONFIG', 'SET', 'masterauth', '']);
  await insist(control.replica, 'READONLY');
  await linked();
}

/** A new key of this node. */
function own(node: Node): string {
  for (;;) {
    const name = `outcome:${count++}`;
    if (serves(node, name)) return name;
  }
}

beforeAll(async () => {
  cluster = await formCluster(
    await dockerDriver(),
    { primaries: 2, replicas: 1, config: { 'enable-debug-command': 'yes', 'cluster-node-timeout': 15_000 } },
    {
      runId: newRunId('outcome'),
      image: await resolveEngineImage('redis:7.0'),
      toolboxImage: await resolveToolboxImage(),
      reach: 'auto',
      kept: false,
    },
  );
  [primary, stranger] = cluster.nodes as [Node, Node];
  replica = nodeNamed(cluster, cluster.nodes.find(({ primary: of }) => of === primary.name)?.name ?? '');
  await poll(
    'every engine to answer',
    async () => {
      for (const node of cluster.nodes) (await connectTo(node))[Symbol.dispose]();
    },
    { withinMs: 15_000 },
  );
  control = { primary: await connectTo(primary), replica: await connectTo(replica), stranger: await connectTo(stranger) };
  await ask(control.replica, ['READONLY']);
  await linked();
  await poll(
    'the cluster to be up',
    async () => {
      for (const connection of Object.values(control)) {
        const info = String(await ask(connection, ['CLUSTER', 'INFO']));
        if (!info.includes('cluster_state:ok')) throw new Error(info);
      }
    },
    { withinMs: 20_000 },
  );
  await endPatience(cluster);
});

afterAll(async () => {
  for (const connection of Object.values(control ?? {})) connection[Symbol.dispose]();
  await cluster?.hosts.remove();
});

describe('the table of outcomes', () => {
  for (const { reason, when, happened, provoke } of cases) {
    const row = outcomeTable.find((one) => one.reason === reason);
    it(`says ${reason}, ${row?.outcome}, when ${when}`, async () => {
      key = own(cluster.nodes[0] as Node);
      const seen = await provoke();
      // What has no pattern is told by other things than an error.
      expect(row?.pattern ? outcomeOf(seen.error) : row).toMatchObject({ reason, outcome: row?.outcome });
      expect(seen.happened).toBe(happened);
    });
  }
  it('is proved row by row: what failed never happened, and what is unknown did and did not', () => {
    for (const { reason, outcome } of outcomeTable) {
      const seen = new Set(cases.filter((one) => one.reason === reason).map(({ happened }) => happened));
      expect(seen, reason).toEqual(new Set(outcome === 'failed' ? [false] : [true, false]));
    }
  });
});
