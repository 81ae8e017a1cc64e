import { isDeepStrictEqual } from 'node:util';
import { messageOf, UsageError } from '../base/errors.ts';
import { poll } from '../base/poll.ts';
import type { Cluster, Node } from '../cluster.ts';
import { together } from '../base/together.ts';
import { type Driver, files, type Host, type Hosts, namesOf } from '../driver.ts';
import type { NodeView, TopologyView } from '../timeline/observation.ts';
import { wayOf } from '../traffic.ts';
import { certificateFile } from './certificates.ts';
import { connectNode } from './client.ts';
import { parseClusterNodes } from './topology.ts';

interface Told {
  readonly view: TopologyView;
  readonly versions: ReadonlyMap<string, string>;
  readonly settings: readonly (readonly [name: string, value: string])[];
}

/**
 * The cluster of a run that another process formed, as it is now: roles and slots are today's. A node that does not
 * answer, for a fault may hold it, is taken as the others describe it. Throws a UsageError when nobody answers.
 */
export async function adoptCluster(driver: Driver, runId: string): Promise<Cluster> {
  const hosts = await driver.adopt(runId);
  const known = await letInOf(hosts, hosts.hosts[0]);
  const reached = await together(hosts.hosts, async (host) => {
    const alike: Host = { ...host, dial: { ...host.dial, ...known } };
    const told = await tell(alike);
    // Mostly all let in alike, and to read what one of them wants takes longer than all else; who refuses is asked for his own.
    if (typeof told !== 'string' || host === hosts.hosts[0]) return { host: alike, told };
    const own: Host = { ...host, dial: { ...host.dial, ...(await letInOf(hosts, host)) } };
    return isDeepStrictEqual(own, alike) ? { host: alike, told } : { host: own, told: await tell(own) };
  });
  const [found = [], lent = []] = [false, true].map((spare) => reached.filter(({ host }) => host.name.startsWith('spare-') === spare));
  const [members, spares] = [found, lent].map((those) => those.map(({ host }) => host)) as [Host[], Host[]];
  const answers = found.map(({ told }) => told);
  const told = answers.map((answer) => (typeof answer === 'string' ? null : answer));
  const first = told.find((answer) => answer !== null);
  if (!first)
    throw new UsageError(
      members.length === 0
        ? `the run ${runId} has no nodes; \`slotquake up\` makes some`
        : `no node of ${runId} answers (${answers.find((answer) => typeof answer === 'string')}); look at \`docker ps -a\``,
    );
  const lines = members.map((host, index): NodeView => {
    const own =
      told[index]?.view.find(({ flags }) => flags.includes('myself')) ?? first.view.find(({ address }) => namesOf(host).includes(address));
    if (!own) throw new UsageError(`nobody in the run ${runId} knows ${host.name} at ${host.address}; look at its CLUSTER NODES`);
    return own;
  });
  const nodes = members.map((host, index): Node => {
    const { id, primary, slots } = lines[index] as NodeView;
    const primaryAt = lines.findIndex((line) => line.id === primary);
    return { ...host, id, formedAs: primary === null ? 'primary' : 'replica', slots, primary: members[primaryAt]?.name ?? null };
  });
  const valkey = first.versions.get('valkey');
  return {
    engine: { kind: valkey ? 'valkey' : 'redis', version: valkey ?? first.versions.get('redis') ?? 'unknown', image: 'adopted' },
    nodes,
    spares,
    places: hosts.places,
    settings: Object.fromEntries(first.settings),
    patience: new Map(),
    hosts,
    shapes: await wayOf(hosts),
  };
}

/** What a client needs to be let in at a node: what lies in the volume of it. */
async function letInOf(hosts: Hosts, host: Host | undefined): Promise<Pick<Host['dial'], 'tls' | 'login'>> {
  if (!host) return {};
  const pems = (['authority', 'good', 'key'] as const).map(certificateFile).join(' ');
  const { output } = await hosts.perform(
    files(
      host.name,
      `sed -n 's/^# slotquake-login //p' /data/redis.conf; echo ====
! grep -q '^tls-port ' /data/redis.conf || for pem in ${pems}; do cat $pem; echo ====; done`,
    ),
  );
  const [who = '', ...pem] = output.split('====');
  const [ca, cert, key] = pem.map((text) => `${text.trim()}\n`);
  const [password = '', username] = who.trim().split(' ');
  const login = password === '' ? undefined : { password, ...(username === undefined ? {} : { username }) };
  return { ...(ca && cert && key ? { tls: { ca, cert, key } } : {}), ...(login ? { login } : {}) };
}

/** What a node tells, or why it tells nothing. */
const tell = (host: Host): Promise<Told | string> => ask(host).catch((error: unknown) => messageOf(error));

async function ask(host: Host): Promise<Told> {
  const client = connectNode(host, { timeoutMs: 1_000, name: 'slotquake-adopt' });
  try {
    const view = await poll('an answer', async () => parseClusterNodes(String(await client.call('CLUSTER', 'NODES'))), { withinMs: 1_500 });
    const version = /^(redis|valkey)_version:(\S+)/gm;
    const versions = new Map(
      [...(await client.info('server')).matchAll(version)].map(([, kind, number]) => [kind as string, number as string]),
    );
    const words = (await client.call('CONFIG', 'GET', '*')) as string[];
    const settings = words.flatMap((name, index) => (index % 2 === 0 ? [[name, words[index + 1] ?? ''] as const] : []));
    return { view, versions, settings };
  } finally {
    client.disconnect();
  }
}
