import { poll } from '../base/poll.ts';
import { connectNode, natMap } from '../cluster/client.ts';
import { formCluster } from '../cluster/form.ts';
import { parseClusterInfo } from '../cluster/topology.ts';
import { together } from '../base/together.ts';
import { dockerDriver } from '../driver/docker.ts';
import type { Hosts, Reach } from '../driver.ts';
import { resolveEngineImage, resolveToolboxImage } from '../image.ts';

export interface UpFlags {
  readonly engine: string;
  readonly reach: Reach | 'auto';
  readonly subnet?: string;
}

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
        },
      },
    );
    await together(cluster.nodes, async (node) => {
      const client = connectNode(node, { timeoutMs: 1_000, name: 'slotquake-up' });
      try {
        await poll(
          `${node.name} to say cluster_state:ok`,
          async () => {
            const { state } = parseClusterInfo(String(await client.call('CLUSTER', 'INFO')));
            if (state !== 'ok') throw new Error(`it says ${state}`);
          },
          { withinMs: 20_000, signal },
        );
      } finally {
        client.disconnect();
      }
    });
    const [first] = cluster.nodes;
    console.log(`${cluster.engine.kind} ${cluster.engine.version}, ${cluster.nodes.length} nodes`);
    for (const node of cluster.nodes)
      console.log(
        `  ${node.name}  ${node.address.padEnd(20)} ${node.formedAs}${cluster.hosts.reach === 'ports' ? `  from here: ${node.dial.host}:${node.dial.port}` : ''}`,
      );
    console.log(`connect   docker exec -it ${first?.container} ${cluster.engine.kind}-cli -c`);
    if (cluster.hosts.reach === 'ports')
      console.log(`ioredis   new Cluster([${JSON.stringify(first?.dial)}], { natMap: ${JSON.stringify(natMap(cluster.hosts.hosts))} })`);
    else console.log(`ioredis   new Cluster([${JSON.stringify(first?.dial)}])`);
    console.log(`remove    slotquake down ${runId}`);
  } catch (error) {
    await (hosts ?? (await driver.adopt(runId))).remove();
    throw error;
  }
}
