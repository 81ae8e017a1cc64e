import Docker from 'dockerode';
import { together } from '../../src/base/together.ts';
import blockBus from '../../src/fault/block-bus.ts';
import { type Match, rules } from '../../src/firewall.ts';
import { resolveToolboxImage } from '../../src/image.ts';
import { ProvingGround } from '../fault/proving-ground.ts';

/*
 * How fast an iptables fault takes hold: through a toolbox that stands ready, and through a container made for it, the
 * way other tools do. Both in one run on one machine, taking turns, so that only the ratio needs to be believed.
 */

const match: Match = { ports: [16_379], direction: 'both', peers: 'all', connections: 'both' };
const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] as number;
const show = (name: string, values: readonly number[]): string =>
  `${name.padEnd(58)} p50 ${percentile(values, 0.5).toFixed(1).padStart(7)} ms   p95 ${percentile(values, 0.95).toFixed(1).padStart(7)} ms`;

const ground = await ProvingGround.open();
const { cluster } = ground;
const docker = new Docker();
const image = await resolveToolboxImage();
const node = cluster.nodes[0] as (typeof cluster.nodes)[0];
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

/** The same script in a container of its own that joins the node's network namespace. */
async function oneShot(script: string): Promise<void> {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['sh', '-c', script],
    Labels: { 'slotquake.run': ground.runId },
    HostConfig: { NetworkMode: `container:${node.toolbox}`, CapDrop: ['ALL'], CapAdd: ['NET_ADMIN'] },
  });
  await container.start();
  const { StatusCode } = (await container.wait()) as { StatusCode: number };
  await container.remove({ force: true });
  if (StatusCode !== 0) throw new Error(`the one-shot container ended with ${StatusCode}`);
}

const [one, guarded, spread, sidecar]: [number[], number[], number[], number[]] = [[], [], [], []];
for (let round = 0; round < 60; round++) {
  const tag = `b${round}`;
  const { do: deed, undo } = rules(node.name, tag, match);
  one.push(await timed(() => ground.must(deed)));
  await ground.must(undo);

  const injector = ground.injector();
  const active: { heal(): Promise<void> }[] = [];
  guarded.push(await timed(async () => active.push(await injector.inject(blockBus(node.name), new AbortController().signal))));
  await active[0]?.heal();

  const all = cluster.nodes.map(({ name }) => rules(name, `c${round}`, match));
  const done = await together(all, async (action) => {
    await ground.must(action.do);
    return performance.now();
  });
  spread.push(Math.max(...done) - Math.min(...done));
  await together(all, (action) => ground.must(action.undo));

  if (round % 4 === 0) {
    const other = rules(node.name, `s${round}`, match);
    if ('script' in other.do) sidecar.push(await timed(() => oneShot((other.do as { script: string }).script)));
    await ground.must(other.undo);
  }
}
console.log(show('rules at one node, by the toolbox that stands ready', one));
console.log(show('the same, its undo noted with the guard first', guarded));
console.log(show('rules at six nodes: the last after the first', spread));
console.log(show('rules at one node, by a container of their own', sidecar));
console.log(`a container of its own takes ${(percentile(sidecar, 0.5) / percentile(one, 0.5)).toFixed(0)} times as long (medians)`);
console.log(
  `goals: one node p95 below 10 ms: ${percentile(one, 0.95) < 10 ? 'met' : 'MISSED'}; six nodes p95 within 15 ms: ${percentile(spread, 0.95) < 15 ? 'met' : 'MISSED'}`,
);
await ground[Symbol.asyncDispose]();
// A connection that is still being closed must not keep a finished measurement alive.
process.exit();
