import * as z from 'zod';
import { endProcessesOf, processesOf } from '../background.ts';
import { UsageError } from '../base/errors.ts';
import { engine } from '../driver.ts';
import { exclusive } from '../exclusive.ts';
import { bites, defineFault, misses } from '../fault.ts';
import { bothEnds, type End, ends, firstSlots, slotFunctions } from '../migration.ts';
import { whole } from '../parameter.ts';

type Plan = { nodes: string[]; from: End; to: End; slots: number[] };

const job = (tag: string): string => `/tmp/slotquake-reshard-${tag}`;

export default defineFault({
  name: 'reshard',
  about: 'slots move from one primary to another while clients use them',
  mechanism:
    'redis-cli or valkey-cli --cluster reshard in the background, as an operator runs it: the first slots of the target, one after the other',
  evidence: 'the new owner claims slots that it had not',
  undo: 'the client is ended, and each of those slots goes back with its keys by SETSLOT and MIGRATE; open ones are closed',
  example: '--target "one primary" --slots 20',
  parameters: z.strictObject({
    slots: whole('how many', 1, 200).default(10),
    to: z.string().optional().describe('who takes them: a target; by default another primary, by chance'),
  }),
  plan({ slots: count, to }, planning): Plan {
    const [target, ...more] = planning.victims;
    if (!target || more.length > 0)
      throw new UsageError(`expected one primary as the target of reshard, got ${planning.victims.map(({ name }) => name).join(', ')}`);
    const way = ends('reshard', to, planning);
    const slots = firstSlots(planning.topology.find(({ id }) => id === target.id)?.slots ?? [], count + 1);
    if (slots.length <= count) throw new UsageError(`expected ${target.name} to keep a slot, but it has only ${slots.length}`);
    return { nodes: [target.name, way.to.node], from: way.from[0] as End, to: way.to, slots: slots.slice(0, count) };
  },
  actions: ({ from, to, slots }, tag) => {
    const list = slots.join(' ');
    const name = `${job(tag)}/run`;
    return [
      exclusive(from.node, tag, 'slots'),
      {
        do: engine(
          from.node,
          `${slotFunctions}
[ "$(owned '${from.place}' '${list}' | wc -l)" -eq ${slots.length} ] || { echo "${from.node} no longer owns all of ${list}"; exit 1; }
mkdir -p ${job(tag)} || exit 1
cat >${name} <<'END'
$CLI --cluster reshard ${from.place.replace(' ', ':')} --cluster-from ${from.id} --cluster-to ${to.id} --cluster-slots ${slots.length} --cluster-yes >${job(tag)}/log 2>&1
END
setsid sh ${name} </dev/null >/dev/null 2>&1 &`,
        ),
        undo: engine(
          from.node,
          `${endProcessesOf(name)}
[ -d ${job(tag)} ] || exit 0
${bothEnds(from, to)}
bring_back $away_id "$away" $home_id "$home" '${list}' || exit 1
rm -r ${job(tag)}`,
        ),
        residue: engine(
          from.node,
          `[ ! -d ${job(tag)} ] || echo 'the slots have not all gone back'
for pid in $(${processesOf(name)}); do echo "process $pid still moves them"; done
[ ! -d ${job(tag)} ] || exit 0
${bothEnds(from, to)}
left '${list}' "$away" "$home"`,
        ),
        healWithinMs: 20_000,
      },
    ];
  },
  async effect({ from, to, slots }, tag, witness) {
    const own = witness
      .views()
      .get(to.node)
      ?.find(({ id }) => id === to.id);
    const taken = slots.filter((slot) => own?.slots.some(([first, last]) => first <= slot && slot <= last));
    if (taken.length > 0)
      return bites(`${to.node} claims ${taken.length} of ${slots.length} slots that ${from.node} had, ${taken[0]} first`);
    const { output } = await witness.read(engine(from.node, `tail -n 1 ${job(tag)}/log 2>/dev/null`));
    return misses(`${to.node} claims none of the slots of ${from.node}${output === '' ? '' : `; the client said last: ${output}`}`);
  },
});
