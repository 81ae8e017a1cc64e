import { duration, percent } from '../parameter.ts';
import { shapingFault } from '../shaping.ts';

export default shapingFault({
  name: 'reorder',
  about: 'packets overtake one another',
  mechanism: 'this share of packets is sent at once while the others wait; without a delay, this share is overtaken by its successor',
  example: '--target "one primary" --percent 25 --delay 10ms',
  parameters: {
    percent: percent('the share of packets out of order').default(25),
    delay: duration('how long the others wait', '0ms', '60s').prefault('10ms'),
  },
  wish: ({ percent: reorderPercent, delay }) => ({ reorderPercent, delayMs: delay }),
  counted: ({ reordered }) => [reordered, 'reordered'],
});
