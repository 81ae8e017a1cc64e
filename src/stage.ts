import { parseDuration } from './base/duration.ts';
import { InconclusiveError, messageOf, SlotquakeError } from './base/errors.ts';
import { poll, sleepMs } from './base/poll.ts';
import type { Random } from './base/random.ts';
import { together } from './base/together.ts';
import { type Cluster, nodeNamed } from './cluster.ts';
import { connectNode } from './cluster/client.ts';
import { keySlot } from './cluster/topology.ts';
import type { Command } from './driver.ts';
import type { Stage } from './experiment.ts';
import type { Injector } from './inject.ts';
import { viewOfMost } from './timeline/health.ts';
import { Timeline, withRenamed } from './timeline/timeline.ts';
import type { Recorder } from './timeline/recorder.ts';
import type { RunInfo } from './timeline.ts';

/** So long may an answer to an operator's command take; a blocked engine answers late, one that is gone never. */
const answerWithinMs = 5_000;
/** How long an engine that has just been started may go on loading its data before it takes orders; the data of a run are few. */
const loadedWithinMs = 5_000;
/** So many values are on their way at a time while a node is filled. */
const fillBatch = 100;

type Words = readonly [string, ...(string | number)[]];

interface StageParts {
  readonly cluster: Cluster;
  readonly injector: Injector;
  readonly recorder: Recorder;
  readonly info: RunInfo;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly variant: string;
}

/** What an experiment's code is given. */
export function stageOf({ cluster, injector, recorder, info, random, signal, variant }: StageParts): Stage {
  const record = new Timeline(info, recorder.events);
  const timeline = (): Timeline => record;
  const clusterNow = (): Cluster => withRenamed(cluster, recorder.events);
  const commanded = (node: string, command: string, answer: string, failed: boolean): void => {
    recorder.record({ type: 'commanded', node, command, answer: answer.slice(0, 2_000), failed });
  };
  const put = async (node: string, [name, ...parameters]: Words): Promise<{ readonly answer: string; readonly refused: boolean }> => {
    signal.throwIfAborted();
    const command = [name, ...parameters].join(' ');
    const client = connectNode(hostNamed(cluster, node), { timeoutMs: answerWithinMs, name: 'slotquake-operator' });
    try {
      await poll(`${node} to accept an operator's connection`, () => ready(client), { withinMs: answerWithinMs, everyMs: 10, signal });
      const reply = await client.call(name, ...parameters);
      const answer = typeof reply === 'string' ? reply : JSON.stringify(reply);
      commanded(node, command, answer, false);
      return { answer, refused: false };
    } catch (error) {
      const because = messageOf(error);
      commanded(node, command, because, true);
      // A refusal begins with its code in capitals; anything else means that no answer came.
      if (/^[A-Z]+(\s|$)/.test(because)) return { answer: because, refused: true };
      throw new SlotquakeError(`${node} gave no answer to ${command}: ${because}`);
    } finally {
      client.disconnect();
    }
  };
  const ask: Stage['ask'] = async (node, ...words) => (await put(node, words)).answer;
  const perform: Stage['perform'] = async (command) => {
    signal.throwIfAborted();
    try {
      const result = await cluster.hosts.perform(command);
      commanded(command.node, textOf(command), result.output, result.exitCode !== 0);
      return result;
    } catch (error) {
      commanded(command.node, textOf(command), messageOf(error), true);
      throw error;
    }
  };
  const until: Stage['until'] = async (what, condition, within) => {
    const withinMs = parseDuration(within);
    recorder.record({ type: 'waiting', until: what, withinMs });
    const deadlineMs = recorder.nowMs() + withinMs;
    while (!condition(timeline())) {
      if (recorder.nowMs() > deadlineMs) {
        recorder.record({ type: 'noted', text: `waited ${within} in vain until ${what}` });
        return false;
      }
      await sleepMs(50, signal);
    }
    return true;
  };
  let enacted = 0;
  return {
    get cluster() {
      return clusterNow();
    },
    random,
    signal,
    variant,
    timeline,
    ask,
    inject: (fault) => injector.inject(fault, signal),
    sleep: (duration) => {
      const withinMs = parseDuration(duration);
      recorder.record({ type: 'waiting', until: null, withinMs });
      return sleepMs(withinMs, signal);
    },
    until,
    need: async (what, condition, within) => {
      if (!(await until(what, condition, within))) throw new InconclusiveError(`waited ${within} in vain until ${what}`);
    },
    tell: async (node, ...words) => {
      const deadlineMs = performance.now() + loadedWithinMs;
      for (;;) {
        const { answer, refused } = await put(node, words);
        if (!refused) return answer;
        if (!answer.startsWith('LOADING') || performance.now() > deadlineMs)
          throw new InconclusiveError(`${node} refused ${words.join(' ')}: ${answer}`);
        await sleepMs(50, signal);
      }
    },
    perform,
    enact: async (fault) => {
      const topology = viewOfMost(timeline().run, timeline().latest('topology'))?.view;
      if (!topology) throw new SlotquakeError('no node has told its topology yet; enact a fault after the cluster is formed');
      const tag = `deed-${++enacted}`;
      const { plan, nodes } = fault.plan(clusterNow(), topology, random.fork(tag));
      const steps = fault.actions(plan, tag).map((action) => action.do);
      await together(Map.groupBy(steps, ({ node }) => node).values(), async (ofNode) => {
        for (const step of ofNode) {
          const { exitCode, output } = await perform(step);
          if (exitCode !== 0)
            throw new SlotquakeError(`the fault ${fault.name} could not be enacted at ${step.node} (exit ${exitCode}): ${output}`);
        }
      });
      return { plan, nodes };
    },
    fill: async (name, { bytes, valueBytes }) => {
      const node = nodeNamed(cluster, name);
      const value = 'x'.repeat(valueBytes);
      const client = connectNode(node, { timeoutMs: 10_000, name: 'slotquake-fill' });
      try {
        await poll(`${name} to accept a connection`, () => ready(client), { withinMs: answerWithinMs, everyMs: 10, signal });
        const wanted = Math.ceil(bytes / valueBytes);
        let batch: Promise<unknown>[] = [];
        for (let key = 0, written = 0; written < wanted; key++) {
          const slot = keySlot(`filling:${key}`);
          if (!node.slots.some(([first, last]) => slot >= first && slot <= last)) continue;
          batch.push(client.set(`filling:${key}`, value));
          written++;
          if (batch.length < fillBatch && written < wanted) continue;
          await Promise.all(batch);
          signal.throwIfAborted();
          batch = [];
        }
        commanded(name, `SET of ${wanted} keys with ${valueBytes} bytes each`, 'OK', false);
      } finally {
        client.disconnect();
      }
    },
    rename: async (node) => {
      const id = await ask(node, 'CLUSTER', 'MYID');
      if (!/^[0-9a-f]{40}$/.test(id)) throw new SlotquakeError(`expected the id of ${node}, got ${id}`);
      recorder.record({ type: 'member-renamed', node, id });
    },
    note: (text) => recorder.record({ type: 'noted', text }),
  };
}

function hostNamed(cluster: Cluster, name: string): Cluster['nodes'][number] | NonNullable<Cluster['spares']>[number] {
  const host = [...cluster.nodes, ...(cluster.spares ?? [])].find((candidate) => candidate.name === name);
  if (!host) throw new SlotquakeError(`no node and no spare is called ${name}`);
  return host;
}

const ready = (client: ReturnType<typeof connectNode>): Promise<void> =>
  client.status === 'ready' ? Promise.resolve() : Promise.reject(new SlotquakeError(`the connection is ${client.status}`));

/** A deed as one reads it in the record. */
function textOf(command: Command): string {
  if ('script' in command) return command.script.trim();
  const { run, node: _, ...rest } = command;
  return Object.keys(rest).length > 0 ? `${run} ${JSON.stringify(rest)}` : run;
}
