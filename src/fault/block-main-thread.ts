import * as z from 'zod';
import { endProcessesOf, processesOf } from '../background.ts';
import { UsageError } from '../base/errors.ts';
import { keySlot } from '../cluster/topology.ts';
import { engine } from '../driver.ts';
import type { Action } from '../fault.ts';
import { bites, defineFault, everywhere, misses } from '../fault.ts';
import { duration, whole } from '../parameter.ts';
import { ask, changedSetting } from '../setting.ts';

type Plan = { nodes: string[]; how: 'script' | 'debug-sleep' | 'huge-del'; forMs: number; members: number; hashTags: string[] };

/**
 * Runs until the time is up, by TIME. From Redis 7.2 on TIME stands still inside a script until the engine calls it
 * busy, which lua-time-limit makes it do just then; the CPU clock, which those engines have, ends it in any case.
 */
export const loop =
  `local function clock() local there, seconds = pcall(function() return os.clock() end) return there and seconds or 0 end ` +
  `local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end ` +
  `local ms = tonumber(ARGV[1]) local from, spent = now(), clock() ` +
  `repeat until now() - from >= ms or (clock() - spent) * 1000 >= ms return 'done'`;

/** So many members at once that the clients between do not wait noticeably. */
const atOnce = 50_000;
const fill =
  `for part = 1, 10 do local all = {} for i = 1, ${atOnce / 10} do all[i] = ARGV[1] .. '-' .. part .. '-' .. i end ` +
  `redis.call('SADD', KEYS[1], unpack(all)) end`;

const job = (tag: string): string => `/tmp/slotquake-block-${tag}`;
const keyOf = (tag: string, hashTag: string): string => `slotquake-block-${tag}{${hashTag}}`;

/** What blocks, and what must be there first. */
function blocker({ how, forMs, members }: Plan, key: string): { readonly first: string; readonly deed: string } {
  if (how === 'script') return { first: 'true', deed: `$CLI EVAL "${loop}" 0 ${forMs}` };
  if (how === 'debug-sleep') return { first: 'true', deed: `$CLI DEBUG SLEEP ${forMs / 1_000}` };
  return {
    first: `for part in $(seq ${Math.ceil(members / atOnce)}); do $CLI EVAL "${fill}" 1 '${key}' "$part"; done`,
    deed: `$CLI DEL '${key}'`,
  };
}

/** The block goes on in the background, with PINGs beside it, whose longest wait is written down. */
function blocked(plan: Plan, node: string, tag: string, hashTag: string): Action {
  const key = keyOf(tag, hashTag);
  const { first, deed } = blocker(plan, key);
  const run = `now() { cut -d' ' -f1 /proc/uptime | tr -d .; }
${first} >${job(tag)}/reply 2>&1
( ${deed} >${job(tag)}/reply 2>&1; : >${job(tag)}/done ) &
longest=0
while [ ! -e ${job(tag)}/done ]; do
  before=$(now); $CLI PING; waited=$(($(now) - before))
  [ $waited -le $longest ] || { longest=$waited; echo "$waited"0 >${job(tag)}/new && mv ${job(tag)}/new ${job(tag)}/waited; }
  sleep 0.02
done >/dev/null 2>&1`;
  const name = `${job(tag)}/run`;
  const stillLasts = `if [ ! -e ${job(tag)}/done ] && [ -n "$(${processesOf(name)})" ]; then
  ${plan.how === 'script' ? 'timeout 1 $CLI SCRIPT KILL >/dev/null 2>&1; sleep 0.1' : 'true'}
  [ -e ${job(tag)}/done ] || { echo 'the block still lasts'; exit 1; }
fi`;
  return {
    do: engine(
      node,
      `mkdir -p ${job(tag)} || exit 1
cat >${name} <<'END'
${run}
END
setsid sh ${name} </dev/null >/dev/null 2>&1 &`,
    ),
    undo: engine(
      node,
      `${ask}
[ -d ${job(tag)} ] || exit 0
${plan.how === 'huge-del' ? 'true' : stillLasts}
# Also the PINGs beside it, which look for its end now and then.
${endProcessesOf(name)}
${plan.how === 'huge-del' ? `timeout 5 $CLI -c UNLINK '${key}' >/dev/null || exit 1` : 'true'}
rm -r ${job(tag)}`,
    ),
    residue: engine(
      node,
      `[ ! -d ${job(tag)} ] || echo "the block has not ended"
for pid in $(${processesOf(name)}); do echo "process $pid still blocks"; done
answer=$(timeout 1 $CLI PING 2>&1)
case $answer in PONG|*NOAUTH*) ;; *) echo "PING: \${answer:-no answer within 1 s}"; exit 0 ;; esac
${plan.how === 'huge-del' ? `[ "$(timeout 2 $CLI -c EXISTS '${key}' 2>&1)" = 0 ] || echo 'the huge key is still there'` : 'true'}`,
    ),
    healWithinMs: (plan.how === 'huge-del' ? 20_000 : plan.forMs) + 8_000,
  };
}

export default defineFault({
  name: 'block-main-thread',
  about: 'one long command stalls the whole engine: no client and no peer is answered, though nothing has crashed',
  mechanism:
    'a script that loops, DEBUG SLEEP, or DEL of a huge set with lazyfree-lazy-user-del off; for a script lua-time-limit is raised to its length',
  evidence: 'a PING beside it waits for at least half the time, or 50 ms for the deletion, whose length nobody can choose',
  undo: 'SCRIPT KILL as soon as the engine takes it, which is at the end; otherwise its end is waited for; the huge key is removed, settings are restored',
  example: '--target "one primary" --block-for 500ms --how script',
  parameters: z.strictObject({
    blockFor: duration('how long it blocks; the deletion takes what it takes', '100ms', '60s').prefault('3s'),
    how: z
      .enum(['script', 'debug-sleep', 'huge-del'])
      .default('script')
      .describe("'debug-sleep' needs enable-debug-command in redis.conf from 7.0 on; 'huge-del' needs a primary"),
    members: whole('how many members the huge set has, about 50 bytes each', 10_000, 5_000_000).default(2_000_000),
  }),
  plan({ blockFor: forMs, how, members }, { victims, topology, cluster }): Plan {
    const major = Number(cluster.engine.version.split('.')[0]);
    const allowed = cluster.settings['enable-debug-command'] ?? 'no';
    if (how === 'debug-sleep' && major >= 7 && !['yes', 'local'].includes(allowed))
      throw new UsageError(
        `DEBUG SLEEP needs enable-debug-command, which is '${allowed}' here; set it to 'local' in the cluster's config, or use --how script`,
      );
    const hashTags = victims.map(({ id, name }) => {
      if (how !== 'huge-del') return '';
      const slots = topology.find((peer) => peer.id === id)?.slots ?? [];
      if (slots.length === 0) throw new UsageError(`expected primaries with slots as the target of a huge deletion, but ${name} has none`);
      for (let n = 0; ; n++) {
        const slot = keySlot(`${n}`);
        if (slots.some(([first, last]) => first <= slot && slot <= last)) return `${n}`;
      }
    });
    return { nodes: victims.map(({ name }) => name), how, forMs, members, hashTags };
  },
  exposes: ({ nodes }) => nodes.map((node) => ({ node, how: 'frozen' })),
  actions: (plan, tag) =>
    plan.nodes.flatMap((node, index) => [
      ...(plan.how === 'script' ? [changedSetting(node, tag, 'lua-time-limit', `${plan.forMs}`)] : []),
      ...(plan.how === 'huge-del' ? [changedSetting(node, tag, 'lazyfree-lazy-user-del', 'no')] : []),
      blocked(plan, node, tag, plan.hashTags[index] as string),
    ]),
  effect: ({ nodes, how, forMs }, tag, witness) =>
    everywhere(nodes, async (node) => {
      const neededMs = how === 'huge-del' ? 50 : forMs / 2;
      const silentMs = witness.silentMs(node);
      if (silentMs >= neededMs) return bites(`${node} has answered no PING for ${Math.round(silentMs)} ms`);
      const { output } = await witness.read(engine(node, `cat ${job(tag)}/waited 2>/dev/null`));
      if (Number(output) >= neededMs) return bites(`${node}: a PING waited ${output} ms for its answer`);
      const { output: reply } = await witness.read(engine(node, `cat ${job(tag)}/reply 2>/dev/null`));
      return misses(`${node}: the longest wait of a PING was ${output || 0} ms${reply === '' ? '' : `; the engine said ${reply}`}`);
    }),
});
