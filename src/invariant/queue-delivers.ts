import { formatMs } from '../base/duration.ts';
import { type Invariant, held, judged, unknown, violated, withHistory, witnessesOf } from '../invariant.ts';
import type { Sighting } from '../consistency/loss.ts';

const at = ({ id, key, node, atMs }: Sighting): string => `${id} of ${key}, by ${node ?? 'some node'} at ${formatMs(atMs)}`;

export default {
  name: 'queue-delivers',
  claim: 'Every acknowledged message is delivered or still there, once, but in the windows that the engine documents.',
  suits: ({ workload }) => workload.kind === 'queue',
  check: (timeline, consistency) =>
    withHistory(consistency, ({ queues }) => {
      if (queues.acknowledged === 0) return unknown('no message was ever acknowledged');
      const wrong = queues.phantom.total + queues.contradicted.total;
      if (wrong > 0)
        return violated(
          `${wrong} messages were delivered that nobody had sent: ${[...queues.phantom.examples, ...queues.contradicted.examples].slice(0, 3).map(at).join('; ')}`,
          witnessesOf(timeline),
        );
      const lost = judged(
        timeline,
        'lostMessages',
        // What was taken and not worked off is lost with the consumer, if the engine does not know it any more.
        {
          total: queues.lost + queues.vanished.total,
          outside: queues.losses.outside + queues.vanished.outside,
          examples: [
            ...queues.losses.writes.map(({ acknowledgedAtMs, ...write }): Sighting => ({ ...write, atMs: acknowledgedAtMs })),
            ...queues.vanished.examples,
          ],
        },
        { none: '', many: 'acknowledged messages are lost, or gone while they were worked off', one: at },
      );
      if (lost.outcome === 'violated') return lost;
      const again = [queues.deliveredTwice, queues.resurrected, queues.duplicated];
      const twice = judged(
        timeline,
        'repeatedMessages',
        {
          total: again.reduce((sum, { total }) => sum + total, 0),
          outside: again.reduce((sum, { outside }) => sum + outside, 0),
          examples: again.flatMap(({ examples }) => examples),
        },
        { none: '', many: 'messages came again', one: at },
      );
      if (twice.outcome === 'violated') return twice;
      if (queues.unreadable > 0) return unknown(`what became of ${queues.unreadable} messages could not be read back`);
      const noted = [lost.because, twice.because].filter((text) => text !== '');
      return held(
        `${queues.acknowledged} messages: ${queues.delivered} delivered, ${queues.left} left${noted.length > 0 ? `; ${noted.join('; ')}` : ''}`,
      );
    }),
} satisfies Invariant;
