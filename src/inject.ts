import { AbortedError, messageOf, SlotquakeError } from './base/errors.ts';
import { sleepMs } from './base/poll.ts';
import type { Random } from './base/random.ts';
import { together } from './base/together.ts';
import type { Cluster } from './cluster.ts';
import type { Action, ActiveFault, Evidence, Fault } from './fault.ts';
import type { GuardLink } from './guarded.ts';
import type { Observer } from './observe.ts';
import type { Recorder } from './timeline/recorder.ts';
import { viewOfMost } from './timeline/health.ts';
import { withRenamed } from './timeline/timeline.ts';
import { takeBack } from './undo.ts';

/** A fault that is decided and not yet done. */
export interface Planned {
  readonly nodes: readonly string[];
  readonly actions: readonly Action[];
}

/** A view that is older is that of a node that answers no more; it counts only where nobody has told a newer one. */
const freshMs = 2_000;

/** The only place where a fault takes hold and is healed. */
export class Injector {
  readonly #cluster: Cluster;
  readonly #recorder: Pick<Recorder, 'record' | 'events' | 'nowMs' | 'epochMs'>;
  readonly #observer: Pick<Observer, 'latest' | 'silentMs' | 'round'>;
  readonly #guard: Pick<GuardLink, 'register' | 'undone'>;
  readonly #random: Random;
  readonly tagOf: (id: number) => string;
  readonly #planned: ((plan: Planned) => Promise<void>) | undefined;
  readonly #active = new Map<number, ActiveFault>();
  #count = 0;

  /**
   * `tagOf` gives each fault a name of at most 12 characters that no other fault at the same nodes has. `planned` is
   * awaited when everything is decided and nothing is done.
   */
  constructor(parts: {
    cluster: Cluster;
    recorder: Pick<Recorder, 'record' | 'events' | 'nowMs' | 'epochMs'>;
    observer: Pick<Observer, 'latest' | 'silentMs' | 'round'>;
    guard: Pick<GuardLink, 'register' | 'undone'>;
    random: Random;
    tagOf: (id: number) => string;
    planned?: (plan: Planned) => Promise<void>;
  }) {
    this.#cluster = parts.cluster;
    this.#recorder = parts.recorder;
    this.#observer = parts.observer;
    this.#guard = parts.guard;
    this.#random = parts.random;
    this.tagOf = parts.tagOf;
    this.#planned = parts.planned;
  }

  async inject(fault: Fault, signal: AbortSignal): Promise<ActiveFault> {
    signal.throwIfAborted();
    const id = ++this.#count;
    const tag = this.tagOf(id);
    const members = withRenamed(this.#cluster, this.#recorder.events);
    const chosen =
      viewOfMost(members, this.#observer.latest('topology', this.#recorder.nowMs() - freshMs)) ??
      viewOfMost(members, this.#observer.latest('topology'));
    if (!chosen) throw new SlotquakeError('no node has told its topology yet; inject faults after the cluster is formed');
    const { plan, nodes } = fault.plan(members, chosen.view, this.#random.fork(`fault ${id}`));
    const actions = fault.actions(plan, tag);
    await this.#planned?.({ nodes, actions });
    await this.#cluster.hosts.prepare(actions.map((action) => action.do));
    const registered: { readonly action: Action; readonly undoId: number }[] = [];
    const effectWatch = new AbortController();
    let watching: Promise<Evidence> = Promise.resolve({ bites: false, because: 'it never took hold' });
    let healing: Promise<void> | undefined;
    const fromMs = this.#recorder.nowMs();
    let injectedAtMs = Number.POSITIVE_INFINITY;

    /** `last`: what the nodes have told may be older than the deed, where the heal comes at once. */
    const look = async (last: boolean): Promise<Evidence> => {
      if (last) await this.#observer.round();
      return fault.effect(plan, tag, {
        read: (command) => this.#cluster.hosts.perform(command),
        state: (node) => this.#cluster.hosts.state(node),
        views: () => this.#observer.latest('topology', injectedAtMs),
        silentMs: (node) => this.#observer.silentMs(node),
        fromEpochMs: this.#recorder.epochMs + fromMs,
        sinceEpochMs: this.#recorder.epochMs + injectedAtMs,
      });
    };
    const watch = async (): Promise<Evidence> => {
      for (;;) {
        const last = effectWatch.signal.aborted;
        // Nothing that is wrong with looking may keep the fault from being healed.
        const evidence = await look(last).catch((error: unknown): Evidence => ({ bites: false, because: messageOf(error) }));
        if (evidence.bites) this.#recorder.record({ type: 'fault-effective', fault: id, evidence: evidence.because });
        if (evidence.bites || last) return evidence;
        await sleepMs(50, effectWatch.signal).catch(() => {});
      }
    };
    let injecting: Promise<unknown> = Promise.resolve();
    const undo = async (): Promise<void> => {
      this.#recorder.record({ type: 'fault-healing', fault: id });
      effectWatch.abort();
      // No step may land after its own undo: those to come are called off, and the one under way is awaited.
      await injecting.catch(() => {});
      // The last look comes before the undo: afterwards there is nothing left to see.
      const evidence = await watching;
      if (!evidence.bites) this.#recorder.record({ type: 'fault-ineffective', fault: id, because: evidence.because });
      try {
        await together(Map.groupBy(registered, ({ action }) => action.undo.node).values(), async (steps) => {
          for (const { action, undoId } of steps.toReversed()) await this.#undo(action, undoId);
        });
        this.#recorder.record({ type: 'fault-healed', fault: id });
        this.#active.delete(id);
      } catch (error) {
        this.#recorder.record({ type: 'heal-failed', fault: id, because: messageOf(error) });
        // It is still in force, so it may be tried again.
        healing = undefined;
        throw error;
      }
    };
    const active: ActiveFault = {
      id,
      plan,
      nodes,
      heal: () => {
        healing ??= undo();
        return healing;
      },
      [Symbol.asyncDispose]: () => active.heal(),
    };

    this.#recorder.record({
      type: 'fault-injecting',
      fault: id,
      name: fault.name,
      plan,
      nodes,
      exposes: fault.exposes(plan),
      viewOf: chosen.node,
    });
    this.#active.set(id, active);
    injecting = together(Map.groupBy(actions, (action) => action.do.node).values(), async (steps) => {
      for (const action of steps) {
        signal.throwIfAborted();
        if (healing) throw new AbortedError(`the fault ${fault.name} was healed before it had taken hold`);
        registered.push({ action, undoId: await this.#guard.register(action) });
        const { exitCode, output } = await this.#cluster.hosts.perform(action.do);
        if (exitCode !== 0)
          throw new SlotquakeError(
            `the fault ${fault.name} could not be injected at ${action.do.node} (exit ${exitCode}): ${output}; see \`slotquake doctor\``,
          );
      }
    });
    try {
      await injecting;
    } catch (error) {
      // Half applied is still applied: undo it, and report both when that fails too.
      await active.heal().catch((healError: unknown) => {
        throw new SuppressedError(healError, error, 'the fault could not be injected, nor undone');
      });
      throw error;
    }
    injectedAtMs = this.#recorder.record({ type: 'fault-injected', fault: id }).atMs;
    watching = watch();
    return active;
  }

  /**
   * Heals whatever is still in force, the youngest first: a node that was paused last must wake before an older fault
   * can be undone inside it. Never uses the aborted run's signal.
   */
  async healAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const fault of [...this.#active.values()].reverse()) await fault.heal().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors);
  }

  async #undo(action: Action, undoId: number): Promise<void> {
    await takeBack(this.#cluster.hosts, action);
    this.#guard.undone(undoId);
  }
}
