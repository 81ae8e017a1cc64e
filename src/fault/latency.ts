import * as z from 'zod';
import { duration } from '../parameter.ts';
import { shapingFault } from '../shaping.ts';

export default shapingFault({
  name: 'latency',
  about: 'packets arrive late, all by the same time or with jitter',
  mechanism: 'each packet waits in each direction before it goes on',
  example: '--target "one primary" --delay 80ms --jitter 20ms --port bus',
  parameters: {
    delay: duration('added to each packet in each direction', '0ms', '60s').prefault('100ms'),
    jitter: duration('half the width of a uniform spread, the standard deviation of a normal one', '0ms', '60s').prefault('0ms'),
    distribution: z.enum(['uniform', 'normal']).default('uniform').describe('how jitter is spread'),
  },
  wish: ({ delay, jitter, distribution }) => ({ delayMs: delay, jitterMs: jitter, distribution }),
  counted: ({ delayed, held }) => [delayed ?? held, 'delayed'],
});
