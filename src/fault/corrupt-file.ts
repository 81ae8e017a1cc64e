import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { engine, files } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { endedForUndo, nothing, revival, whileAlive } from '../revival.ts';

type Plan = {
  nodes: string[];
  which: 'nodes.conf' | 'rdb' | 'aof';
  how: 'flip' | 'truncate' | 'delete';
  /** Below /data, the first that exists and is not empty. */
  candidates: string[];
  /** Where in each node's file, in millionths of its length. */
  places: number[];
};

const aside = (tag: string): string => `/data/.slotquake-file-${tag}`;
const old = (tag: string): string => `/data/.slotquake-old-${tag}`;
const fresh = (tag: string): string => `/data/.slotquake-made-${tag}`;

/**
 * Where a bit is turned. In nodes.conf it is a node's flags, which the engine checks: a false id or address would spread
 * from this node to all others by gossip and stay there, where no undo of ours reaches.
 */
const placeOf = (which: Plan['which'], place: number): string =>
  which === 'nodes.conf'
    ? `at=$(awk '$1 != "vars" { lines[++n] = start + index($0, $3 " " $4) } { start += length($0) + 1 } END { print lines[1 + int(n * ${place} / 1000000)] - 1 }' "$file")`
    : `at=$(( size * ${place} / 1000000 ))`;

const change = (which: Plan['which'], how: Plan['how'], place: number): string =>
  ({
    // Turned, it is another byte whatever it was.
    flip:
      `${placeOf(which, place)}; byte=$(dd if="$file" bs=1 skip=$at count=1 2>/dev/null | od -An -tu1 | tr -d ' '); ` +
      `printf "\\\\$(printf %03o $(( byte ^ 16 )))" | dd of="$file" bs=1 seek=$at conv=notrunc 2>/dev/null`,
    truncate: `truncate -s $(( size * ${place} / 1000000 )) "$file"`,
    delete: 'rm "$file"',
  })[how];

export default defineFault({
  name: 'corrupt-file',
  about: 'a file of the data directory is damaged while the engine is down: a torn write, a bad disk, a hand that slipped',
  mechanism:
    'SIGKILL, a seeded byte is changed, the rest from there is cut off or the file is deleted, then a start; for an rdb that may not exist yet the engine saves one first',
  evidence: 'the file differs from the one put aside, and the engine was started on it or refused to start',
  undo: 'SIGKILL, the file is put back as it was (or away, if the fault made it), then a start; what was acknowledged in between is gone',
  example: '--target "one replica" --which nodes.conf --how truncate',
  parameters: z.strictObject({
    which: z
      .enum(['nodes.conf', 'rdb', 'aof'])
      .default('nodes.conf')
      .describe('which file; the aof needs appendonly yes, the rdb appendonly no'),
    how: z
      .enum(['flip', 'truncate', 'delete'])
      .default('flip')
      .describe('one bit of one byte (of the flags of a line in nodes.conf), the end cut off, or the whole file'),
  }),
  plan({ which, how }, { victims, cluster: { settings }, random }): Plan {
    const appendonly = settings['appendonly'] === 'yes';
    if (which === 'aof' && !appendonly)
      throw new UsageError(
        "the fault corrupt-file needs a cluster with appendonly yes for 'aof'; this one has none, so there is no such file",
      );
    if (which === 'rdb' && appendonly)
      throw new UsageError("the fault corrupt-file needs a cluster with appendonly no for 'rdb'; this one loads its aof: choose 'aof'");
    const aof = settings['appendfilename'] ?? 'appendonly.aof';
    return {
      nodes: victims.map(({ name }) => name),
      which,
      how,
      candidates: {
        'nodes.conf': [settings['cluster-config-file'] ?? 'nodes.conf'],
        rdb: [settings['dbfilename'] ?? 'dump.rdb'],
        // From 7.0 on a folder with a base and increments, before that one file.
        aof: ['incr', 'base'].map((part) => `${settings['appenddirname'] ?? 'appendonlydir'}/${aof}.*.${part}.*`).concat(aof),
      }[which],
      // What is cut off or changed lies in the middle: neither nothing nor everything.
      places: victims.map(() => random.integer(100_000, 899_999)),
    };
  },
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'emptied' })),
  actions: ({ nodes, which, how, candidates, places }, tag) =>
    nodes.flatMap((node, index) => {
      const find = `for file in ${candidates.map((name) => `/data/${name}`).join(' ')}; do [ ! -s "$file" ] || break; done; `;
      return [
        exclusive(node, tag, 'process'),
        { ...revival(node, tag), do: nothing(node) },
        ...(which === 'rdb' ? [made(node, tag, candidates[0] as string)] : []),
        { do: { run: 'kill', node, signal: 'SIGKILL' } as const, undo: nothing(node), residue: nothing(node) },
        {
          do: files(
            node,
            `${find}size=$(stat -c %s "$file") && [ "$size" -gt 0 ] || { echo "there is no ${which} in /data of ${node}"; exit 1; }; ` +
              `mkdir -p ${aside(tag)} && cp -p "$file" ${aside(tag)}/saved && printf %s "$file" >${aside(tag)}/path && ${change(which, how, places[index] as number)}`,
          ),
          undo: files(
            node,
            `[ -d ${aside(tag)} ] || exit 0; [ ! -e ${aside(tag)}/path ] || mv -f ${aside(tag)}/saved "$(cat ${aside(tag)}/path)"; rm -rf ${aside(tag)}`,
          ),
          residue: files(node, `ls -d ${aside(tag)} 2>/dev/null || true`),
        },
        endedForUndo(node),
      ];
    }),
  effect: ({ nodes, which }, tag, witness) =>
    everywhere(nodes, async (node) => {
      const { exitCode, output } = await witness.read(
        files(
          node,
          `file=$(cat ${aside(tag)}/path) || exit 1; [ -e "$file" ] || { echo gone; exit 0; }; ` +
            `cmp -s "$file" ${aside(tag)}/saved && exit 1; echo "$(stat -c %s "$file") bytes, $(stat -c %s ${aside(tag)}/saved) before"`,
        ),
      );
      if (exitCode !== 0) return misses(`the ${which} of ${node} is as it was: ${output}`);
      const { status, exitCode: code, startedAtEpochMs } = await witness.state(node);
      if (!(startedAtEpochMs > witness.fromEpochMs)) return misses(`the engine of ${node} was not started on the damaged file`);
      if (status === 'exited') return bites(`${node}: ${which} ${output}`, `${node}: the engine exited with ${code}`);
      // It may still be about to refuse.
      const answer = await witness.read(engine(node, '$CLI PING'));
      if (!/^(PONG|LOADING)/.test(answer.output)) return misses(`the engine of ${node} has neither answered nor ended yet`);
      return bites(`${node}: ${which} ${output}`, `${node}: the engine runs on it and answers ${answer.output}`);
    }),
});

/**
 * Saving puts a new file in the place of the old one, which comes back after what was changed in the new one was put
 * back; where there was none, the new one goes.
 */
const made = (node: string, tag: string, file: string) => ({
  do: engine(
    node,
    // A link is whole at once, and the engine never writes into the old file.
    `if [ -e /data/${file} ]; then ln /data/${file} ${old(tag)} || exit 1; else : >${fresh(tag)} || exit 1; fi; ` +
      `reply=$($CLI SAVE); [ "$reply" = OK ] || { echo "the engine refuses to save: $reply"; exit 1; }`,
  ),
  undo: {
    run: 'sequence' as const,
    node,
    commands: [
      // A SAVE that goes on would put its file in the place of what is put back: the engine answers when that has ended.
      whileAlive(engine(node, '$CLI PING >/dev/null; true')),
      // Where the engine did not save, both are one file still, of which mv would move neither name onto the other.
      files(
        node,
        `[ ! -e ${old(tag)} ] || { { [ ${old(tag)} -ef /data/${file} ] || mv -f ${old(tag)} /data/${file}; } && rm -f ${old(tag)}; }; [ ! -e ${fresh(tag)} ] || rm -f /data/${file} ${fresh(tag)}`,
      ),
    ],
  },
  residue: files(node, `ls ${old(tag)} ${fresh(tag)} 2>/dev/null || true`),
});
