import { poll } from '../base/poll.ts';
import { together } from '../base/together.ts';
import type { Cluster } from '../cluster.ts';
import type { Redis } from '../cluster/client.ts';
import { formCluster } from '../cluster/form.ts';
import { endPatience } from '../cluster/patience.ts';
import { dockerDriver } from '../driver/docker.ts';
import type { Hosts, Reach } from '../driver.ts';
import { resolveEngineImage, resolveToolboxImage } from '../image.ts';
import type { Probe } from '../probe.ts';
import clusterInfo from '../probe/cluster-info.ts';
import replication from '../probe/replication.ts';
import topology from '../probe/topology.ts';
import { lacking } from '../timeline/health.ts';
import type { ProbeName } from '../timeline/observation.ts';

export interface UpFlags {
  readonly engine: string;
  readonly reach: Reach | 'auto';
  readonly subnet?: string;
}

const clientModule = () => import('../cluster/client.ts');

/** How long six fresh nodes may take to agree. */
const healthyWithinMs = 30_000;

/** A healthy cluster to play with; it stays until `down`. */
export async function up({ engine, reach, subnet }: UpFlags, signal: AbortSignal): Promise<void> {
  const driver = await dockerDriver();
  const [image, toolboxImage] = [await resolveEngineImage(engine, console.log), await resolveToolboxImage(console.log)];
  const runId = `up${Date.now().toString(36)}`;
  let hosts: Hosts | undefined;
  try {
    const cluster = await formCluster(
      driver,
      {},
      {
        runId,
        image,
        toolboxImage,
        reach,
        subnet,
        kept: true,
        signal,
        onHosts: (created) => {
          hosts = created;
          // Loaded while containers start, where nobody waits for it.
          void clientModule();
        },
      },
    );
    await healthy(cluster, signal);
    await endPatience(cluster);
    const [first] = cluster.nodes;
    console.log(`${cluster.engine.kind} ${cluster.engine.version}, ${cluster.nodes.length} nodes`);
    for (const node of cluster.nodes)
      console.log(
        `  ${node.name}  ${node.address.padEnd(20)} ${node.formedAs}${cluster.hosts.reach === 'ports' ? `  from here: ${node.dial.host}:${node.dial.port}` : ''}`,
      );
    console.log(`connect   docker exec -it ${first?.container} ${cluster.engine.kind}-cli -c`);
    const { natMap } = await clientModule();
    if (cluster.hosts.reach === 'ports')
      console.log(`ioredis   new Cluster([${JSON.stringify(first?.dial)}], { natMap: ${JSON.stringify(natMap(cluster.hosts.hosts))} })`);
    else console.log(`ioredis   new Cluster([${JSON.stringify(first?.dial)}])`);
    console.log(`remove    slotquake down ${runId}`);
  } catch (error) {
    await (hosts ?? (await driver.adopt(runId))).remove();
    throw error;
  }
}

/** Waits until every node describes the same healthy cluster, as a run does before it goes on; else says which node lacks what. */
async function healthy(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const members = { nodes: cluster.nodes.map(({ name, id, address, formedAs, slots }) => ({ name, id, address, role: formedAs, slots })) };
  const { connectNode } = await clientModule();
  const clients = new Map<string, Redis>(
    cluster.nodes.map((node) => [node.name, connectNode(node, { timeoutMs: 1_000, name: 'slotquake-up' })]),
  );
  /** The answers of those who answer: `lacking` names the others. */
  const ask = async <P extends ProbeName>(probe: Probe<P>) =>
    new Map(
      (
        await together(clients, async ([name, client]) =>
          probe.ask(client).then(
            (value) => [[name, value] as const],
            () => [],
          ),
        )
      ).flat(),
    );
  try {
    await poll(
      'a healthy cluster',
      async () => {
        const [info, views, sync] = [await ask(clusterInfo), await ask(topology), await ask(replication)];
        const reasons = lacking(members, { clusterInfo: info, topology: views, replication: sync });
        if (reasons.length > 0) throw new Error(reasons.join('; '));
      },
      { withinMs: healthyWithinMs, everyMs: 20, signal },
    );
  } finally {
    for (const client of clients.values()) client.disconnect();
  }
}
