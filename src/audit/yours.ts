import { didYouMean } from '../base/nearest.ts';
import type { Conf, Remark, Setting } from '../conf.ts';
import { addsUp, apartBecause, hasManyWords, isSecret, meaningOf, nameFor } from '../conf/directive.ts';
import { confLines, type EngineSettings, type Values } from '../conf/engine.ts';
import { quoteWord } from '../conf/words.ts';

/** A user's settings as an engine understands them. */
export interface Yours {
  /** Names that the engine has. */
  readonly known: readonly string[];
  /** The user's over what the engine has by default, by the engine's names; those of `apart` as they were written. */
  readonly values: Values;
  /** Where the user set it, by the engine's name; several places where lines add up. */
  readonly setAt: Readonly<Record<string, readonly string[]>>;
  /** The engine's names of all that go into every run unless the experiment holds them. */
  readonly offered: readonly string[];
  readonly warnings: readonly Remark[];
  readonly apart: readonly Remark[];
}

/** Asks an engine that was started with these lines; `hidden` are names that it does not list by itself. */
export type Ask = (lines: readonly string[], hidden: readonly string[]) => Promise<EngineSettings>;

/**
 * Lets the engine itself read the user's settings: what it does not know or refuses is warned about and left out, what cannot be
 * in a container is kept apart. `wanted` are the directives that experiments scale; those are never apart.
 */
export async function understand(conf: Conf, wanted: readonly string[], ask: Ask, engine: string): Promise<Yours> {
  const hidden = [...new Set([...conf.settings.map(({ name }) => name), ...wanted])];
  const { values: defaults } = await ask([], hidden);
  const known = Object.keys(defaults);
  const isWanted = (name: string): boolean => wanted.some((each) => meaningOf(each) === meaningOf(name));
  const warnings: Remark[] = [];
  const apart: Remark[] = [];
  const own: Record<string, string> = {};
  const setAt: Record<string, readonly string[]> = {};
  const lines: { readonly setting: Setting; readonly name: string; readonly line: string }[] = [];
  for (const setting of lastOnes(conf.settings)) {
    const { name: written, at } = setting;
    const name = nameFor(written, known);
    const because = apartBecause(written);
    const isDefault = name !== undefined && defaults[name] === setting.values.join(' ');
    // A dump holds all there is; what nobody changed says nothing.
    if (isDefault && (conf.kind === 'dump' || because !== undefined)) continue;
    if (because !== undefined) {
      if (name !== undefined) [own[name], setAt[name]] = [setting.values.join(' '), [at]];
      const used = meaningOf(written) === 'cluster-enabled' || (name !== undefined && isWanted(written));
      if (!used) apart.push({ at, directive: written, because });
    } else if (name === undefined) {
      const meant = conf.kind === 'file' ? didYouMean(written, known) : '';
      warnings.push({ at, directive: written, because: `${engine} has no such directive${meant}; left out` });
    } else for (const line of asLines(name, setting, conf.kind)) lines.push({ setting, name, line: `${name} ${line}` });
  }
  const { values, refused } = await ask(
    lines.map(({ line }) => line),
    hidden,
  );
  for (const { index, because } of refused) {
    const { setting, name } = lines[index] as (typeof lines)[number];
    const comment = setting.values.some((word) => word.startsWith('#')) ? ' (a comment needs a line of its own)' : '';
    const left = values[name] === defaults[name] ? 'left out' : 'this line is left out';
    warnings.push({ at: setting.at, directive: setting.name, because: `${engine} refuses it: ${because}${comment}; ${left}` });
  }
  const taken = lines.filter((_, index) => !refused.some((refusal) => refusal.index === index));
  for (const { name, setting } of taken) setAt[name] = addsUp(name) ? [...new Set([...(setAt[name] ?? []), setting.at])] : [setting.at];
  const mode = conf.settings.findLast(({ name }) => name === 'cluster-enabled');
  // A dump need not hold all there is.
  if (mode ? mode.values[0]?.toLowerCase() !== 'yes' : conf.kind === 'file')
    warnings.push({
      at: mode?.at ?? conf.file,
      directive: 'cluster-enabled',
      because: 'cluster mode is not on there; the answers are for a cluster with these settings',
    });
  const offered = [...new Set(taken.map(({ name }) => name))].filter((name) => values[name] !== defaults[name]);
  return { known, values: { ...values, ...own }, setAt, offered, warnings, apart };
}

/** Of directives of which the last line wins, that line; of those that add up, all. */
function lastOnes(settings: readonly Setting[]): readonly Setting[] {
  const seen = new Set<string>();
  return settings
    .toReversed()
    .filter(({ name }) => {
      const isLast = !seen.has(meaningOf(name));
      seen.add(meaningOf(name));
      return isLast || addsUp(name) || apartBecause(name) !== undefined;
    })
    .toReversed();
}

/** What stands behind the name in a file that the engine reads. */
function asLines(name: string, { values }: Setting, kind: Conf['kind']): readonly string[] {
  if (kind === 'file') return [values.map(quoteWord).join(' ')];
  const value = values[0] ?? '';
  const lines = confLines(name, value);
  return typeof lines === 'string' ? [lines === '' && !hasManyWords(name) ? '""' : lines || '""'] : lines;
}

/** What may be shown of a value. */
export const shown = (name: string, value: string): string => (isSecret(name) && value !== '' ? '(a secret)' : value);
