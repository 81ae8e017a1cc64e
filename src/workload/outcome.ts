import { messageOf } from '../base/errors.ts';
import type { Outcome } from '../timeline/history.ts';

/** What one kind of error, or one kind of silence, says about the operation. */
export interface OutcomeRow {
  /** Matched against the error's message; null where there is no error and whoever counts the answers decides. */
  readonly pattern: RegExp | null;
  readonly reason: string;
  /** `failed`: it certainly did not happen. `unknown`: it may have happened, or may still. */
  readonly outcome: Exclude<Outcome, 'ok'>;
  readonly why: string;
  /** File and function of the engine (Redis 7.0), or where else this is known from. */
  readonly source: string;
}

/**
 * What an error says about the operation, by the first row that matches; what is in no row may have happened.
 *
 * A refusal is `failed` because the engine asks all its questions before it carries anything out. It speaks of its own
 * command only: when a later command of a pipeline is refused, the earlier ones are answered for themselves. The same
 * goes for an error inside the array that EXEC returns: the other commands of the transaction were carried out, so that
 * the transaction as a whole is `unknown`. Inside a script the refusals come before its first write (a script that has
 * written is not refused any more: script.c scriptVerifyWriteCommandAllow, scriptVerifyOOM); every other error that
 * names a script may come after a write.
 */
export const outcomeTable: readonly OutcomeRow[] = [
  {
    pattern: /^MOVED \d/,
    reason: 'moved',
    outcome: 'failed',
    why: 'The node does not serve the slot and redirects before the command is carried out.',
    source: 'server.c processCommand, cluster.c getNodeByQuery',
  },
  {
    pattern: /^ASK \d/,
    reason: 'ask',
    outcome: 'failed',
    why: 'The slot is on its way and the key is not here any more: redirected before the command is carried out.',
    source: 'server.c processCommand, cluster.c getNodeByQuery',
  },
  {
    pattern: /^TRYAGAIN /,
    reason: 'tryagain',
    outcome: 'failed',
    why: 'Some of the keys of a slot on its way are here and some are not: refused before the command is carried out.',
    source: 'cluster.c getNodeByQuery, clusterRedirectClient',
  },
  {
    pattern: /^CLUSTERDOWN /,
    reason: 'clusterdown',
    outcome: 'failed',
    why: 'The node thinks that the cluster is down or that nobody serves the slot, and refuses before the command is carried out.',
    source: 'cluster.c getNodeByQuery, clusterRedirectClient',
  },
  {
    pattern: /^CROSSSLOT /,
    reason: 'crossslot',
    outcome: 'failed',
    why: 'The keys are in different slots: refused before the command is carried out.',
    source: 'cluster.c getNodeByQuery, clusterRedirectClient',
  },
  {
    pattern: /^READONLY /,
    reason: 'readonly',
    outcome: 'failed',
    why: 'A replica refuses writes before they are carried out, and a script before its first write.',
    source: 'server.c processCommand, script.c scriptVerifyWriteCommandAllow',
  },
  {
    pattern: /^LOADING /,
    reason: 'loading',
    outcome: 'failed',
    why: 'The node is still reading its data into memory and refuses before the command is carried out.',
    source: 'server.c processCommand',
  },
  {
    pattern: /^MASTERDOWN /,
    reason: 'masterdown',
    outcome: 'failed',
    why: 'A replica without its primary that must not serve stale data refuses before the command is carried out.',
    source: 'server.c processCommand',
  },
  {
    pattern: /^MISCONF /,
    reason: 'misconf',
    outcome: 'failed',
    why: 'Data cannot be saved to disk, so writes are refused before they are carried out, and a script before its first write.',
    source: 'server.c writeCommandsDeniedByDiskError, script.c scriptVerifyWriteCommandAllow',
  },
  {
    pattern: /^OOM /,
    reason: 'oom',
    outcome: 'failed',
    why: 'Memory is full and nothing may be evicted, so the command is refused before it is carried out, and a script before its first write.',
    source: 'server.c processCommand, script.c scriptVerifyOOM',
  },
  {
    pattern: /^NOREPLICAS /,
    reason: 'noreplicas',
    outcome: 'failed',
    why: 'Fewer replicas than min-replicas-to-write are in touch, so writes are refused before they are carried out.',
    source: 'server.c processCommand, replication.c checkGoodReplicasStatus',
  },
  {
    pattern: /^EXECABORT /,
    reason: 'execabort',
    outcome: 'failed',
    why: 'A command was refused while the transaction was being queued, or EXEC itself was, and then all of it is thrown away.',
    source: 'multi.c execCommand, execCommandAbort',
  },
  {
    pattern: /^BUSY /,
    reason: 'busy',
    outcome: 'failed',
    why: 'A script of somebody else runs for too long, and all but a few commands are refused meanwhile.',
    source: 'server.c processCommand',
  },
  {
    pattern: /^UNKILLABLE /,
    reason: 'unkillable',
    outcome: 'failed',
    why: 'SCRIPT KILL was refused, since the script has written already; the script goes on, and its own answer is still to come.',
    source: 'script.c scriptKill',
  },
  {
    pattern: / script: [0-9a-f]{40}|^ERR Error running script|@user_script/,
    reason: 'script',
    outcome: 'unknown',
    why: 'A script ended in the middle, and what it wrote before stays written.',
    source: 'script_lua.c luaCallFunction',
  },
  {
    pattern: /^(NOAUTH|WRONGPASS|NOPERM) /,
    reason: 'auth',
    outcome: 'failed',
    why: 'Who has not logged in, or may not do this, is refused before the command is carried out.',
    source: 'server.c processCommand, acl.c ACLCheckAllPerm, authCommand',
  },
  {
    pattern: /^WRONGTYPE /,
    reason: 'wrongtype',
    outcome: 'failed',
    why: 'The key holds another kind of value, which a command looks at before it changes anything.',
    source: 'object.c checkType',
  },
  {
    pattern: /^UNBLOCKED /,
    reason: 'unblocked',
    outcome: 'unknown',
    why: 'The node became a replica while the client waited: a WAIT comes after its write, a blocking read has taken nothing.',
    source: 'blocked.c disconnectAllBlockedClients',
  },
  {
    pattern: /connect ECONNREFUSED/,
    reason: 'refused',
    outcome: 'failed',
    why: 'No connection was made, so nothing was sent; on an open connection the same code would say nothing of the sort.',
    source: 'connect(2)',
  },
  {
    pattern: /^getaddrinfo /,
    reason: 'unresolved',
    outcome: 'failed',
    why: 'The name of the node leads nowhere, so no connection was made and nothing was sent.',
    source: 'getaddrinfo(3)',
  },
  {
    pattern: /connect (EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)|connecting took too long/,
    reason: 'unreachable',
    outcome: 'failed',
    why: 'No connection was made, so nothing was sent.',
    source: 'connect(2)',
  },
  {
    pattern: /^not connected|Stream isn't writeable/,
    reason: 'not-connected',
    outcome: 'failed',
    why: 'The command never left this process, which has no connection and keeps no queue for later.',
    source: 'load/connection.ts; ioredis without an offline queue',
  },
  {
    pattern: /timed out/i,
    reason: 'timeout',
    outcome: 'unknown',
    why: 'No answer in time: lost on the way there, lost on the way back, or still waiting in the node, which will carry it out.',
    source: 'a node that is stopped answers what its socket holds when it goes on: networking.c readQueryFromClient',
  },
  {
    pattern: /ECONNRESET|EPIPE|ECONNABORTED/,
    reason: 'reset',
    outcome: 'unknown',
    why: 'The connection was torn down after the command was sent, which the node may have read or not.',
    source: 'networking.c freeClient; the kernel resets where something was left unread: tcp_close',
  },
  {
    pattern: /Connection is closed|max retries per request/,
    reason: 'closed',
    outcome: 'unknown',
    why: 'The connection ended after the command was sent; its answer may have been thrown away with it.',
    source: 'networking.c freeClient',
  },
  {
    pattern: null,
    reason: 'wait',
    outcome: 'unknown',
    why: 'WAIT says that fewer replicas have the write than were asked for: the primary has it, and a failover may lose it.',
    source: 'replication.c waitCommand',
  },
  {
    pattern: null,
    reason: 'never-answered',
    outcome: 'unknown',
    why: 'The run ended while the client still waited, as libraries do that keep commands in a queue of their own.',
    source: 'load.ts stop',
  },
];

/** What an error means for the operation that got it. What no row knows may have happened; its text is the reason. */
export function outcomeOf(error: unknown): { readonly outcome: Exclude<Outcome, 'ok'>; readonly reason: string } {
  const message = textOf(error);
  const row = outcomeTable.find(({ pattern }) => pattern?.test(message));
  return row ? { outcome: row.outcome, reason: row.reason } : { outcome: 'unknown', reason: message.slice(0, 80) };
}

/** An engine's error is a value with a message, and no Error. */
function textOf(error: unknown): string {
  if (error instanceof Error) return messageOf(error);
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(error);
}
