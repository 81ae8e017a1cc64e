import { peers, percent } from '../parameter.ts';
import { shapingFault } from '../shaping.ts';

export default shapingFault({
  name: 'duplicate',
  about: 'packets arrive twice',
  mechanism: 'each packet is sent a second time with this probability',
  example: '--target "one primary" --percent 10 --port bus',
  // A copy is sent to a named address, so it cannot be everybody's.
  parameters: { peers: peers.default('everyone else'), percent: percent('the share of packets that is sent twice').default(10) },
  wish: ({ percent: duplicatePercent }) => ({ duplicatePercent }),
  counted: ({ duplicated }) => [duplicated, 'duplicated'],
});
