import type { ChildProcess } from 'node:child_process';
import type { Turn } from '../pool.ts';

/** What a run that `catalogue` or `audit` started says to it; the only answer is that it is its turn. */
export type TurnMessage = { readonly say: 'prepared' | 'spares' | 'over' };
const go = 'your turn';

/** The end of the channel to the process that started this one. */
type Channel = Pick<NodeJS.Process, 'connected' | 'send' | 'on' | 'off'>;

/** The turn of this process, by the word of the one that started it; undefined where nobody gives turns. */
export function turnOfParent(channel: Channel = process): Turn | undefined {
  if (!channel.connected) return undefined;
  const tell = (message: TurnMessage): void => {
    // Nobody listens any more: then this run is being stopped.
    if (channel.connected) channel.send?.(message);
  };
  return {
    take: async (signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stop = (): void => reject(signal.reason);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop);
      channel.on('message', resolve);
      tell({ say: 'prepared' });
      // A channel that is listened to would keep this process alive.
      await promise.finally(() => {
        channel.off('message', resolve);
        signal.removeEventListener('abort', stop);
      });
    },
    spare: () => tell({ say: 'spares' }),
    over: () => tell({ say: 'over' }),
  };
}

/** Passes the turn of a job on to the process that carries it out. */
export async function passOn(
  message: TurnMessage,
  turn: Turn,
  signal: AbortSignal,
  child: Pick<ChildProcess, 'connected' | 'send'>,
): Promise<void> {
  if (message.say === 'spares') turn.spare();
  if (message.say === 'over') turn.over();
  if (message.say !== 'prepared') return;
  // After an abort the process is asked to stop, and waits for nothing any more.
  await turn.take(signal).then(
    () => child.connected && child.send(go),
    () => {},
  );
}
