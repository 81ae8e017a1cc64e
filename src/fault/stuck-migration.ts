import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { hashTagIn } from '../cluster/hash-tag.ts';
import { engine } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, misses } from '../fault.ts';
import { bothEnds, type End, ends, slotFunctions } from '../migration.ts';
import { whole } from '../parameter.ts';

type Plan = { nodes: string[]; from: End; to: End; slot: number; hashTag: string; keys: number; moveKeys: number };

/** Keys of ours in the slot, so that there is something to move. */
const ours = (tag: string, { hashTag, keys }: Plan): string[] =>
  Array.from({ length: keys }, (_, index) => `slotquake-stuck-${tag}-${index}{${hashTag}}`);

export default defineFault({
  name: 'stuck-migration',
  about: 'the migration of a slot stops halfway: it stays open at both ends, with keys on both sides',
  mechanism:
    'SETSLOT IMPORTING at the new primary, MIGRATING at the target, and MIGRATE of a share of the keys, some of which are made for this',
  evidence: 'both ends list the slot as open, and the new primary has keys of it',
  undo: 'the move is finished and the slot moved back, for only whole moves keep the writes that go to both sides meanwhile; the keys made for this are deleted',
  example: '--target "one primary" --move-keys 0.5',
  parameters: z.strictObject({
    slot: whole('which slot of the target; by default one by chance', 0, 16_383).optional(),
    moveKeys: z.number().min(0).max(1).default(0.5).describe('the share of its keys that have been moved, from 0 to 1'),
    keys: whole('how many keys are put into the slot first', 0, 100).default(10),
    to: z.string().optional().describe('where it was to go: a target; by default another primary, by chance'),
  }),
  plan({ slot, moveKeys, keys, to }, planning): Plan {
    const [target, ...more] = planning.victims;
    if (!target || more.length > 0)
      throw new UsageError(
        `expected one primary as the target of stuck-migration, got ${planning.victims.map(({ name }) => name).join(', ')}`,
      );
    const way = ends('stuck-migration', to, planning);
    const ranges = planning.topology.find(({ id }) => id === target.id)?.slots ?? [];
    const [first, last] = planning.random.pick([...ranges]) as readonly [number, number];
    const chosen = slot ?? planning.random.integer(first, last);
    if (!ranges.some(([low, high]) => low <= chosen && chosen <= high))
      throw new UsageError(
        `expected a slot of ${target.name}, which has ${ranges.map((range) => range.join('-')).join(', ')}; got ${chosen}`,
      );
    return {
      nodes: [target.name, way.to.node],
      from: way.from[0] as End,
      to: way.to,
      slot: chosen,
      hashTag: hashTagIn([[chosen, chosen]]),
      keys,
      moveKeys,
    };
  },
  actions: (plan, tag) => {
    const { from, to, slot, moveKeys } = plan;
    const keys = ours(tag, plan)
      .map((key) => `'${key}'`)
      .join(' ');
    return [
      exclusive(from.node, tag, 'slots'),
      {
        do: engine(
          from.node,
          `${slotFunctions}
for key in ${keys}; do [ "$(at '${from.place}' SET "$key" slotquake)" = OK ] || { echo "the engine refuses $key"; exit 1; }; done
refused=$(tell '${to.place}' 'IMPORTING ${from.id}' ${slot}; tell '${from.place}' 'MIGRATING ${to.id}' ${slot})
[ -z "$refused" ] || { echo "the engine refuses: $refused"; exit 1; }
count=$(at '${from.place}' CLUSTER COUNTKEYSINSLOT ${slot})
carry ${slot} '${from.place}' '${to.place}' $((count * ${Math.round(moveKeys * 1_000)} / 1000))`,
        ),
        undo: engine(
          from.node,
          `${bothEnds(from, to)}
bring_back $away_id "$away" $home_id "$home" ${slot} || exit 1
${keys === '' ? 'true' : `at "$home" DEL ${keys} >/dev/null`}`,
        ),
        residue: engine(
          from.node,
          `${bothEnds(from, to)}
left ${slot} "$away" "$home"
${keys === '' ? 'true' : `[ "$(at "$home" EXISTS ${keys})" = 0 ] || echo 'keys made for this are left'`}`,
        ),
        healWithinMs: 15_000,
      },
    ];
  },
  async effect({ from, to, slot, keys, moveKeys }, _tag, witness) {
    const open = (node: string, direction: string): boolean =>
      witness
        .views()
        .get(node)
        ?.find(({ flags }) => flags.includes('myself'))
        ?.open.some((entry) => entry.slot === slot && entry.direction === direction) ?? false;
    if (!open(from.node, 'migrating')) return misses(`${from.node} does not list slot ${slot} as migrating`);
    if (!open(to.node, 'importing')) return misses(`${to.node} does not list slot ${slot} as importing`);
    const { output } = await witness.read(engine(to.node, `$CLI CLUSTER COUNTKEYSINSLOT ${slot}`));
    if (Math.floor(keys * moveKeys) > 0 && !(Number(output) > 0)) return misses(`${to.node} has no key of slot ${slot} (${output})`);
    return bites(`slot ${slot} is migrating at ${from.node} and importing at ${to.node}, which has ${output} of its keys`);
  },
});
