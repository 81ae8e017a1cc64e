import type { Consistency } from '../consistency.ts';
import { type Losses, mergeLosses } from '../consistency/losses.ts';
import type { Budget, RunInfo } from '../timeline.ts';

/** What became of the acknowledged writes of one kind of value. Null is what that kind does not tell. */
export interface Account {
  readonly kind: string;
  readonly acknowledged: number;
  /** There in the end, delivered, or rightly replaced. */
  readonly kept: number | null;
  readonly lost: number;
  readonly outside: number;
  readonly undecided: number | null;
  readonly unreadable: number | null;
  /** Of unknown outcome, and of those the ones that were there in the end. */
  readonly unknown: number | null;
  readonly recovered: number | null;
  /** How many losses the experiment allows, and the item of its budget that says so. */
  readonly item: keyof Budget;
  readonly allowed: number | undefined;
}

const kinds: Readonly<Record<string, string>> = {
  registers: 'values of registers',
  'list-append': 'elements of lists',
  'set-add': 'elements of sets',
  transactions: 'pairs',
  mixed: 'registers, lists and sets',
};

/** One account for each kind of value of which anything was acknowledged, or tried with an outcome that nobody knows. */
export function accountsOf({ workload, budget }: RunInfo, { loss, totals, queues, expiry }: Consistency): Account[] {
  const { acknowledged: pushed, delivered, left } = queues;
  const accounts: Account[] = [
    {
      kind: kinds[workload.kind] ?? 'values',
      acknowledged: loss.acknowledged,
      kept: loss.present + loss.overwritten,
      lost: loss.lost,
      outside: loss.losses.outside,
      undecided: loss.undecided,
      unreadable: loss.unreadable,
      unknown: loss.unknown,
      recovered: loss.recovered,
      item: 'lostWrites',
      allowed: budget.lostWrites,
    },
    {
      kind: 'increments',
      acknowledged: totals.acknowledged,
      kept: Math.max(0, totals.acknowledged - totals.lost - totals.unreadable),
      lost: totals.lost,
      outside: totals.outside,
      undecided: null,
      unreadable: totals.unreadable,
      unknown: totals.unknown,
      recovered: totals.recovered,
      item: 'lostIncrements',
      allowed: budget.lostIncrements,
    },
    {
      kind: 'messages of queues',
      acknowledged: pushed,
      kept: delivered + left,
      lost: queues.lost,
      outside: queues.losses.outside,
      undecided: queues.undecided,
      unreadable: queues.unreadable,
      unknown: queues.unknown,
      recovered: queues.recovered,
      item: 'lostMessages',
      allowed: budget.lostMessages,
    },
    {
      kind: 'values that expire',
      acknowledged: expiry.acknowledged,
      kept: null,
      lost: expiry.lost.total,
      outside: expiry.lost.outside,
      undecided: null,
      unreadable: null,
      unknown: null,
      recovered: null,
      item: 'lostWrites',
      allowed: budget.lostWrites,
    },
  ];
  return accounts.filter(({ acknowledged, unknown }) => acknowledged + (unknown ?? 0) > 0);
}

/** The accounts of all kinds as one. */
export const totalOf = (accounts: readonly Account[]): Pick<Account, 'acknowledged' | 'lost' | 'outside'> => ({
  acknowledged: accounts.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
  lost: accounts.reduce((sum, { lost }) => sum + lost, 0),
  outside: accounts.reduce((sum, { outside }) => sum + outside, 0),
});

/** Losses of which it is known who acknowledged them and when, of all kinds of value that are read back whole. */
export const ascribedLosses = ({ loss, totals, queues }: Consistency): Losses => mergeLosses([loss.losses, totals.losses, queues.losses]);
