import type { Redis } from './cluster/client.ts';
import type { EngineInfo } from './timeline.ts';
import type { Observations, ProbeName } from './timeline/observation.ts';

/** One question asked of every node, again and again. */
export interface Probe<P extends ProbeName = ProbeName> {
  readonly name: P;
  /** Null: once, at rest. */
  readonly everyMs: number | null;
  /**
   * What must differ for an answer to be recorded; an unchanged one is recorded once a second all the same, so that
   * silence in the record means silence of the node. Without it every answer is recorded.
   */
  readonly essence?: (value: Observations[P]) => unknown;
  /** Whether the engine knows the question. */
  readonly suits?: (engine: EngineInfo) => boolean;
  ask(client: Redis): Promise<Observations[P]>;
}
