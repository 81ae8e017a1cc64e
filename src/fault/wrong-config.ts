import * as z from 'zod';
import { defineFault, everywhere } from '../fault.ts';
import { changedSetting, mustDiffer, settingEvidence } from '../setting.ts';

type Plan = { nodes: string[]; setting: string; value: string };

export default defineFault({
  name: 'wrong-config',
  about: 'a setting is changed while the engine runs, as an operator does in a hurry',
  mechanism: 'CONFIG SET; the file on disk stays as it is, so a restart of the engine ends it',
  evidence: 'CONFIG GET tells another value than it told before',
  undo: 'CONFIG SET with the value that was there before; with several such faults on one setting the last one out restores it',
  example: '--target "one replica" --setting client-output-buffer-limit --value "replica 1mb 0 0"',
  parameters: z.strictObject({
    setting: z
      .string()
      .regex(/^[a-z][a-z0-9-]*$/, 'expected a directive of redis.conf')
      .describe("a directive of redis.conf such as 'maxmemory'"),
    value: z
      .string()
      .regex(/^[^\r\n]*$/, 'expected one line')
      .describe("its value as redis.conf has it, such as '1mb'; empty is allowed where the engine allows it"),
  }),
  plan: ({ setting, value }, { victims }): Plan => ({ nodes: victims.map(({ name }) => name), setting, value }),
  actions: ({ nodes, setting, value }, tag) => nodes.map((node) => changedSetting(node, tag, setting, value, mustDiffer(setting))),
  effect: ({ nodes, setting }, _tag, witness) => everywhere(nodes, (node) => settingEvidence(witness, node, setting)),
});
