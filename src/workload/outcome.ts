export type Outcome = 'ok' | 'failed' | 'unknown';

/**
 * What an error says about the operation. `failed`: the server refused before doing anything, or the command never left
 * this process. Whatever is not in this table may have happened, and is `unknown`.
 */
const table: readonly (readonly [RegExp, reason: string])[] = [
  [/^MOVED /, 'moved'],
  [/^ASK /, 'ask'],
  [/^TRYAGAIN/, 'tryagain'],
  [/^CLUSTERDOWN/, 'clusterdown'],
  [/^CROSSSLOT/, 'crossslot'],
  [/^READONLY/, 'readonly'],
  [/^LOADING/, 'loading'],
  [/^MASTERDOWN/, 'masterdown'],
  [/^MISCONF/, 'misconf'],
  [/^OOM /, 'oom'],
  [/^NOREPLICAS/, 'noreplicas'],
  [/^EXECABORT/, 'execabort'],
  [/^BUSY /, 'busy'],
  [/^(NOAUTH|WRONGPASS|NOPERM)/, 'auth'],
  // ioredis without an offline queue: the connection was not open, nothing was written.
  [/Stream isn't writeable/, 'not-connected'],
  [/ECONNREFUSED/, 'refused'],
];

export function outcomeOf(error: unknown): { readonly outcome: Outcome; readonly reason: string } {
  const message = error instanceof Error ? error.message : String(error);
  const row = table.find(([pattern]) => pattern.test(message));
  if (row) return { outcome: 'failed', reason: row[1] };
  if (/timed out/i.test(message)) return { outcome: 'unknown', reason: 'timeout' };
  if (/Connection is closed|max retries per request|ECONNRESET|EPIPE/.test(message))
    return { outcome: 'unknown', reason: 'connection-lost' };
  return { outcome: 'unknown', reason: message.slice(0, 80) };
}
