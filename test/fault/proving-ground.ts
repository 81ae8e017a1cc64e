import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { poll } from '../../src/base/poll.ts';
import { seededRandom } from '../../src/base/random.ts';
import { together } from '../../src/base/together.ts';
import type { Cluster, ClusterSpec } from '../../src/cluster.ts';
import { formCluster } from '../../src/cluster/form.ts';
import { endPatience } from '../../src/cluster/patience.ts';
import { dockerDriver } from '../../src/driver/docker.ts';
import { type Command, engine, files, type Reach, toolbox } from '../../src/driver.ts';
import { GuardLink } from '../../src/guarded.ts';
import { resolveEngineImage, resolveToolboxImage } from '../../src/image.ts';
import { Injector } from '../../src/inject.ts';
import { Observer } from '../../src/observe.ts';
import { lacking } from '../../src/timeline/health.ts';
import { Recorder } from '../../src/timeline/recorder.ts';
import type { RunInfo } from '../../src/timeline.ts';
import { newRunId } from '../own-runs.ts';

/** Text for each part of each node. */
type Snapshot = ReadonlyMap<string, string>;

/**
 * One real cluster on which fault after fault is tried. It has everything that some fault asks for, and things of
 * others that no fault may touch: chains, a queueing discipline, files.
 */
export class ProvingGround implements AsyncDisposable {
  readonly runId: string;
  readonly cluster: Cluster;
  readonly observer: Observer;
  readonly recorder: Recorder;
  readonly folder: string;
  readonly #guard: GuardLink;
  #count = 0;

  private constructor(runId: string, cluster: Cluster, observer: Observer, recorder: Recorder, folder: string, guard: GuardLink) {
    this.runId = runId;
    this.cluster = cluster;
    this.observer = observer;
    this.recorder = recorder;
    this.folder = folder;
    this.#guard = guard;
  }

  static async open(kept = false, spec: ClusterSpec = {}, reach: Reach | 'auto' = 'auto'): Promise<ProvingGround> {
    const driver = await dockerDriver();
    const runId = newRunId('ground');
    const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-ground-'));
    const cluster = await formCluster(
      driver,
      { spares: 1, tls: true, config: { appendonly: 'yes', 'enable-debug-command': 'yes' }, ...spec },
      { runId, image: await resolveEngineImage('redis:7.0'), toolboxImage: await resolveToolboxImage(), reach, kept },
    );
    const recorder = new Recorder(folder, undefined, () => {});
    const observer = new Observer(cluster, recorder, { rarer: 4 });
    observer.start(() => {});
    const guard = await GuardLink.start(runId, path.join(folder, 'journal.jsonl'), 'heal', () => {});
    const ground = new ProvingGround(runId, cluster, observer, recorder, folder, guard);
    await ground.healthy();
    await endPatience(cluster);
    await together(cluster.nodes, ({ name }) => ground.must(toolbox(name, foreignRules)));
    await together([...cluster.nodes, ...(cluster.spares ?? [])], ({ name }) =>
      ground.must(files(name, 'head -c 5000 /dev/urandom >/data/foreign.bin')),
    );
    return ground;
  }

  /** An injector whose faults have names of their own, also beside those of another. */
  injector(): Injector {
    const series = ++this.#count;
    return new Injector({
      cluster: this.cluster,
      recorder: this.recorder,
      observer: this.observer,
      guard: this.#guard,
      random: seededRandom(series),
      tagOf: (id) => `g${series}-${id}`,
    });
  }

  async must(command: Command): Promise<string> {
    const { exitCode, output } = await this.cluster.hosts.perform(command);
    if (exitCode !== 0) throw new Error(`${JSON.stringify(command)} ended with ${exitCode}: ${output}`);
    return output;
  }

  get info(): RunInfo {
    const nodes = this.cluster.nodes.map(({ name, id, address, formedAs, slots }) => ({ name, id, address, role: formedAs, slots }));
    return { nodes, settings: this.cluster.settings, engine: this.cluster.engine } as unknown as RunInfo;
  }

  /** Resolves when every node has described the same healthy cluster, by answers given from now on. */
  async healthy(withinMs = 40_000): Promise<void> {
    const sinceMs = this.recorder.nowMs();
    await poll(
      'a healthy cluster',
      () => {
        const reasons = lacking(this.info, {
          clusterInfo: this.observer.latest('cluster-info', sinceMs),
          topology: this.observer.latest('topology', sinceMs),
          replication: this.observer.latest('replication', sinceMs),
        });
        if (reasons.length > 0) throw new Error(reasons.join('; '));
      },
      { withinMs },
    );
  }

  /** All that a fault could leave behind at a node, or damage there, as text to compare. */
  async snapshot(nodes?: readonly string[]): Promise<Snapshot> {
    const all = [...this.cluster.nodes, ...(this.cluster.spares ?? [])].map(({ name }) => name);
    const parts = await together(nodes ?? all, async (name) => {
      const { startedAtEpochMs: _, exitCode: __, outOfMemory: ___, restarts: ____, ...state } = await this.cluster.hosts.state(name);
      return [
        [`${name} network`, await this.must(toolbox(name, network))],
        [
          `${name} toolbox`,
          await this.must(
            toolbox(
              name,
              "ls -A /tmp /run; ps -o args | grep -vE '^(ps|sh |\\[?sh\\]?$|sleep 2147483647|grep|COMMAND|\\{sh\\}|\\[|sort|timeout 2 nslookup)' | sort",
            ),
          ),
        ],
        [
          `${name} files`,
          await this.must(
            files(name, "ls -A /data | grep -vE '^(nodes.conf.*|dump.rdb|temp-.*)$'; cat /data/redis.conf; md5sum /data/foreign.bin"),
          ),
        ],
        [`${name} engine`, await this.must(engine(name, 'ls -A /tmp'))],
        [`${name} settings`, settings(await this.must(engine(name, "$CLI CONFIG GET '*'")))],
        [`${name} container`, JSON.stringify(state)],
      ] as const;
    });
    return new Map(parts.flat());
  }

  /** What is not as it was, at all nodes or at these, line by line. */
  async changes(before: Snapshot, nodes?: readonly string[]): Promise<string[]> {
    return [...(await this.snapshot(nodes))].flatMap(([part, now]) => {
      const [old, young] = [before.get(part) ?? '', now].map((text) => text.split('\n')) as [string[], string[]];
      const [gone, come] = [old.filter((line) => !young.includes(line)), young.filter((line) => !old.includes(line))];
      // The same lines, in another order or number.
      const moved = gone.length + come.length === 0 && old.join('\n') !== young.join('\n') ? young : [];
      return [
        ...gone.map((line) => `${part}: gone is ${line}`),
        ...come.map((line) => `${part}: new is ${line}`),
        ...(moved.length > 0 ? [`${part}: other than before is ${moved.join(' | ')}`] : []),
      ];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guard.farewell();
    await this.observer[Symbol.asyncDispose]();
    this.recorder[Symbol.dispose]();
    await this.cluster.hosts.remove();
    rmSync(this.folder, { recursive: true });
  }
}

/** CONFIG GET as sorted lines: the engine lists its settings in another order after each start. Roles are no damage. */
const settings = (output: string): string =>
  output
    .split('\n')
    // Whom a node replicates is its role, which a failover may change.
    .flatMap((name, index, lines) => (index % 2 === 0 && !/^(replica|slave)of$/.test(name) ? [`${name} ${lines[index + 1] ?? ''}`] : []))
    .filter((line) => !/^(replicaof|slaveof) /.test(line))
    .sort()
    .join('\n');

/** What somebody else may have put into a node's network: no fault may change it. */
const foreignRules = `printf '%s\\n' '*filter' ':FOREIGN - [0:0]' '-A FOREIGN -p udp --dport 9 -j DROP' '-A INPUT -j FOREIGN' '-A OUTPUT -j FOREIGN' COMMIT '*mangle' ':FOREIGN - [0:0]' '-A FOREIGN -p udp --dport 9 -j MARK --set-mark 7' '-A INPUT -j FOREIGN' COMMIT | iptables-restore --noflush && tc qdisc add dev lo root handle 77: tbf rate 1gbit burst 1mb latency 50ms`;

const network = `iptables-save | sed -E '/^#/d; s/ \\[[0-9:]+\\]$//'; ip -4 -o addr; ip -4 route; cat /sys/class/net/*/mtu; tc qdisc show; ls /sys/class/net`;
