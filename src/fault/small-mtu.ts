import * as z from 'zod';
import { toolbox } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { whole } from '../parameter.ts';

type Plan = { nodes: string[]; mtuBytes: number };

/** The device's own MTU and who wants a smaller one: the smallest wish is in force, and the last to leave restores. */
const folder = '/tmp/slotquake-mtu';
const device = 'eth0';
const apply = `smallest=$(sort -n ${folder}/wish-* 2>/dev/null | head -n 1); ip link set dev ${device} mtu "\${smallest:-$(cat ${folder}/original)}"`;

export default defineFault({
  name: 'small-mtu',
  about: 'packets above a size do not get through: small messages pass while a transfer hangs',
  mechanism: 'the MTU of the network device is lowered; the kernel drops what comes in larger, and cuts what goes out',
  evidence: 'the MTU in force, and a connection whose path MTU has shrunk to it',
  undo: 'the MTU that was there before is set again when the last such fault leaves',
  example: '--target "one replica" --mtu-bytes 576',
  parameters: z.strictObject({ mtuBytes: whole('the largest packet', 68, 65_535).default(576) }),
  plan: (parameters, { victims }): Plan => ({ nodes: victims.map(({ name }) => name), ...parameters }),
  actions: ({ nodes, mtuBytes }, tag) =>
    nodes.map((node) => ({
      do: toolbox(
        node,
        `mkdir -p ${folder} && { [ -s ${folder}/original ] || cat /sys/class/net/${device}/mtu >${folder}/original; } && echo ${mtuBytes} >${folder}/wish-${tag} && ${apply}`,
      ),
      undo: toolbox(
        node,
        `rm -f ${folder}/wish-${tag}; if [ -s ${folder}/original ]; then ${apply}; fi && { ls ${folder}/wish-* >/dev/null 2>&1 || rm -rf ${folder}; }`,
      ),
      // With nobody left the folder is gone, which happens only after the original was set again.
      residue: toolbox(
        node,
        `ls ${folder}/wish-${tag} 2>/dev/null; if [ -d ${folder} ] && ! ls ${folder}/wish-* >/dev/null 2>&1; then echo "the MTU is $(cat /sys/class/net/${device}/mtu)"; fi`,
      ),
    })),
  effect: ({ nodes, mtuBytes }, _tag, { read }) =>
    everywhere(nodes, async (node) => {
      const { output } = await read(
        toolbox(node, `cat /sys/class/net/${device}/mtu; ss -H -4 -t -i -n | grep -o 'pmtu:[0-9]*' | sort | uniq -c`),
      );
      const [mtu, ...paths] = output.split('\n').map((line) => line.trim());
      if (Number(mtu) > mtuBytes) return misses(`the MTU of ${node} is ${mtu}`);
      const shrunk = paths
        .filter((line) => Number(line.split('pmtu:')[1]) <= mtuBytes)
        .reduce((sum, line) => sum + Number(line.split(' ')[0]), 0);
      if (shrunk === 0) return misses(`no connection of ${node} has met the smaller MTU yet`);
      return bites(`${node}: MTU ${mtu}, ${shrunk} connections with a path MTU of at most ${mtuBytes}`);
    }),
});
