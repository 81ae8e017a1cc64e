import { percent } from '../parameter.ts';
import { shapingFault } from '../shaping.ts';

export default shapingFault({
  name: 'loss',
  about: 'packets get lost',
  mechanism: 'each packet is dropped with this probability, in each direction',
  example: '--target "one primary" --percent 30 --port bus',
  parameters: { percent: percent('the share of packets that is dropped').default(30) },
  wish: ({ percent: lossPercent }) => ({ lossPercent }),
  counted: ({ lost }) => [lost, 'lost'],
});
