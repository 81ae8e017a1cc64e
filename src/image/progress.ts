import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { SlotquakeError } from '../base/errors.ts';
import { within } from '../base/poll.ts';

/**
 * Reads the progress of a pull, a build or an import to its end. The engine reports a failure as one of its lines, which
 * followProgress takes for any other; and a stream left open after the deadline would keep the process alive.
 */
export async function finish(docker: Docker, what: string, ms: number, stream: NodeJS.ReadableStream): Promise<void> {
  try {
    const lines = await within(
      what,
      ms,
      new Promise<readonly { readonly error?: string }[]>((resolve, reject) =>
        docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output))),
      ),
    );
    const failure = lines.find(({ error }) => error !== undefined);
    if (failure) throw new SlotquakeError(`${what} failed: ${failure.error?.trim()}`);
  } finally {
    (stream as Readable).destroy();
  }
}
