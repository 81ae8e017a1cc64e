/** What clients do while the cluster is disturbed. */
export interface Workload {
  readonly name: string;
  readonly clients: number;
  /** Operations a second, all clients together. */
  readonly rate: number;
  /** Keys, spread evenly over the shards. */
  readonly keys: number;
  /** Share of operations that read back, 0 to 1. */
  readonly readShare: number;
  /** No answer within this time makes the outcome unknown. */
  readonly timeoutMs: number;
}
