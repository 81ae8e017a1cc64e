import * as z from 'zod';
import { UsageError } from '../base/errors.ts';
import { defineFault, everywhere } from '../fault.ts';
import { changedSetting, mustDiffer, settingEvidence } from '../setting.ts';

type Plan = { nodes: string[]; setting: string; value: string };

/** Below this, the probes and clients of a drill may leave no place for what takes the setting back. */
const fewestClients = 100;

/** Why a setting is not for this fault; null where it is. */
function refusal(setting: string, value: string): string | null {
  if (/^tls-.*file/.test(setting)) return 'which belongs to the fault wrong-certificate';
  if (/^(requirepass|masterauth|primaryauth)$/.test(setting)) return 'which belongs to the fault wrong-password';
  if (/^((tls-)?port|bind|unixsocket.*|tls-(protocols|ciphers|ciphersuites|ca-cert-dir))$/.test(setting))
    return 'because nobody could get in any more to take it back';
  if (setting === 'maxclients' && Number(value) < fewestClients)
    return `below ${fewestClients}, because nobody could get in any more to take it back`;
  return null;
}

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
  plan({ setting, value }, { victims }): Plan {
    const why = refusal(setting, value);
    if (why !== null) throw new UsageError(`the fault wrong-config does not change ${setting} ${why}; choose another setting or fault`);
    return { nodes: victims.map(({ name }) => name), setting, value };
  },
  actions: ({ nodes, setting, value }, tag) => nodes.map((node) => changedSetting(node, tag, setting, value, mustDiffer(setting))),
  effect: ({ nodes, setting }, _tag, witness) => everywhere(nodes, (node) => settingEvidence(witness, node, setting)),
});
