import { percent } from '../parameter.ts';
import { shapingFault } from '../shaping.ts';

export default shapingFault({
  name: 'corrupt',
  about: 'packets arrive damaged, and the receiver throws them away',
  mechanism: 'a bit of the packet is flipped with this probability; its checksum gives it away',
  example: '--target "one primary" --percent 10 --port bus',
  parameters: { percent: percent('the share of packets that is damaged').default(10) },
  wish: ({ percent: corruptPercent }) => ({ corruptPercent }),
  counted: ({ corrupted }) => [corrupted, 'corrupted'],
});
