import * as z from 'zod';
import { files } from '../driver.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { whole } from '../parameter.ts';
import { revival } from '../revival.ts';

type Plan = { nodes: string[]; freeBytes: number };

const filler = (tag: string): string => `/data/.slotquake-full-${tag}`;
/** A larger file system is hardly the node's own. */
const ownBytes = 4 * 2 ** 30;

export default defineFault({
  name: 'disk-full',
  about: 'the disk of a node is full: snapshots, the AOF, full resyncs and from 7.2 on nodes.conf cannot be written',
  mechanism: "a file of the engine's user takes the space of /data; what is freed afterwards stays free",
  evidence: 'the free space that the file system tells, and, where it is 0, a byte more that cannot be written',
  undo: 'the file is removed, and the engine is started if it has exited',
  example: '--target "one primary" --free-bytes 0',
  parameters: z.strictObject({
    freeBytes: whole('what is left free; the file system gives space in blocks, so it can be some less', 0, ownBytes).default(0),
  }),
  plan: ({ freeBytes }, { victims }): Plan => ({ nodes: victims.map(({ name }) => name), freeBytes }),
  actions: ({ nodes, freeBytes }, tag) =>
    nodes.flatMap((node) => [
      revival(node, tag),
      {
        do: files(
          node,
          `set -- $(stat -f -c '%a %b %S' /data); free=$(( $1 * $3 )); total=$(( $2 * $3 )); ` +
            `[ $total -le ${ownBytes} ] || { echo "/data of ${node} lies on a file system of $total bytes, which others may share; expected its own of at most ${ownBytes}"; exit 1; }; ` +
            `take=$(( (free - ${freeBytes} + $3 - 1) / $3 * $3 )); [ $take -gt 0 ] || { echo "/data of ${node} has $free bytes free already; choose less than that"; exit 1; }; ` +
            `fallocate -l $take ${filler(tag)} 2>/dev/null || dd if=/dev/zero of=${filler(tag)} bs=$3 count=$(( take / $3 )) 2>/dev/null; ` +
            `[ -s ${filler(tag)} ]`,
        ),
        undo: files(node, `rm -f ${filler(tag)} ${filler(tag)}-probe`),
        residue: files(node, `ls ${filler(tag)} ${filler(tag)}-probe 2>/dev/null || true`),
      },
    ]),
  effect: ({ nodes, freeBytes }, tag, { read }) =>
    everywhere(nodes, async (node) => {
      // The look leaves nothing behind, and takes space only where there is some.
      const { exitCode, output } = await read(
        files(
          node,
          `[ -s ${filler(tag)} ] || exit 1; set -- $(stat -f -c '%a %S' /data); echo $(( $1 * $2 )); ` +
            `[ ${freeBytes} -gt 0 ] || { printf x 2>/dev/null >${filler(tag)}-probe; [ -s ${filler(tag)}-probe ] && echo written || echo refused; rm -f ${filler(tag)}-probe; }`,
        ),
      );
      const [free = '', said = ''] = output.split('\n');
      if (exitCode !== 0 || !/^\d+$/.test(free)) return misses(`the file that fills /data of ${node} is not there: ${output}`);
      if (Number(free) > freeBytes) return misses(`/data of ${node} has ${free} bytes free`);
      if (freeBytes === 0 && said !== 'refused') return misses(`a byte more can be written to /data of ${node}`);
      return bites(`${node}: ${free} bytes free in /data`, ...(freeBytes === 0 ? [`${node}: a byte more cannot be written`] : []));
    }),
});
