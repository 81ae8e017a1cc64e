import type { RedisConfig } from '../cluster.ts';
import { sceneOf } from '../cluster/form.ts';
import { addsUp, isSecret, isSize, meaningOf, nameFor } from '../conf/directive.ts';
import { confLines, type Values } from '../conf/engine.ts';
import { scaleValue, showValue } from '../conf/scale.ts';
import { splitWords } from '../conf/words.ts';
import { clusterOf, type Experiment, expectationOn, type Variant } from '../experiment.ts';
import type { EngineInfo } from '../timeline.ts';
import type { Deciding } from '../audit.ts';
import { shown, type Yours } from './yours.ts';

/** What is laid over the variant that shows the failure, or why nothing is tried. */
export type Plan = {
  readonly deciding: readonly Deciding[];
  /** Of the remedy's lines those that the engine knows, for it would not start with another; comments stay. */
  readonly lines: readonly string[];
} & (
  | { readonly tried: false; readonly because: string }
  | {
      readonly tried: true;
      /** `wounded`, or another that shows it on an engine which that one cannot be asked of. */
      readonly variant: string;
      readonly config: RedisConfig;
      /** Names of what else of the user's is in there, as it is. */
      readonly beside: readonly string[];
      readonly symptoms: readonly string[];
    }
);

/**
 * The user's settings over the variant that shows the failure: those that decide, scaled as the experiment says, the engine's
 * default where the user says nothing; beside them whatever else he set, as it is, but for sizes, which mean nothing in a
 * scaled run, and for what the experiment sets itself.
 */
export function lay(experiment: Experiment, yours: Yours, engine: EngineInfo): Plan {
  const { failure, variants } = experiment;
  const wounded = variants['wounded'];
  const no = (because: string): Plan => ({ tried: false, because, deciding: [], lines: [] });
  if (!failure) return no('the experiment does not say which settings decide');
  if (typeof failure.audit === 'string') return no(failure.audit);
  if (!wounded) return no('the experiment has no wounded variant');
  const unsuited = wounded.unsuited?.(engine);
  const variant = unsuited === undefined ? 'wounded' : insteadOf(variants, engine);
  if (variant === undefined) return no(unsuited ?? '');
  const shows = variants[variant] as Variant;
  const expected = violatedIn(shows, engine);
  if (expected.length === 0)
    return no(`${engine.kind} ${engine.version} does not show it, whatever is set${failure.engines ? `: ${failure.engines}` : ''}`);

  const { scale, unless, symptoms = expected } = failure.audit;
  const lines = failure.audit.lines.filter((line) => isComment(line) || nameFor(splitWords(line)?.[0] ?? '', yours.known) !== undefined);
  const spec = clusterOf(experiment, variant);
  const held = Object.keys(Object.assign({}, sceneOf(spec), shows.config, ...Object.values(spec.nodes ?? {})) as RedisConfig);
  const config: Record<string, RedisConfig[string]> = {};
  for (const name of yours.offered) {
    if (!isSize(name) && nameFor(name, held) === undefined) config[name] = confLines(name, yours.values[name] as string);
  }
  const deciding = Object.entries(scale).map(([wanted, factor]): Deciding => {
    const name = nameFor(wanted, yours.known);
    const told = { directive: name ?? wanted, at: name === undefined ? [] : (yours.setAt[name] ?? []), factor };
    if (name === undefined) return { ...told, value: '', ranWith: null, remark: `${engine.kind} ${engine.version} has no such directive` };
    const value = yours.values[name] ?? '';
    const scaled = scaleValue(name, value, factor);
    // Under the name that the experiment uses, so that there is one line of each.
    config[nameFor(name, held) ?? name] = confLines(name, isSecret(name) ? standIn(value, yours.values) : scaled.text);
    const show = (text: string): string => shown(name, showValue(name, ofInterest(name, text, lines)));
    return { ...told, value: show(value), ranWith: show(scaled.text), remark: scaled.remark };
  });
  const spared = unless?.(inAllNames(yours.values));
  if (spared !== undefined) return { tried: false, because: spared, deciding, lines };
  const beside = yours.offered.filter((name) => name in config && !deciding.some(({ directive }) => directive === name));
  return { tried: true, variant, config, deciding, lines, beside, symptoms };
}

/** Where the engine cannot be asked for `wounded`: the first variant that shows a symptom there all the same. */
const insteadOf = (variants: Experiment['variants'], engine: EngineInfo): string | undefined =>
  Object.entries(variants).find(([, variant]) => variant.unsuited?.(engine) === undefined && violatedIn(variant, engine).length > 0)?.[0];

const violatedIn = (variant: Variant, engine: EngineInfo): string[] =>
  Object.entries(expectationOn(variant, engine)).flatMap(([name, what]) => (what === 'violated' ? [name] : []));

/** A sentence for people where no line can help. */
export const isComment = (line: string): boolean => line.startsWith('#');

/** A secret does not go into records; what counts is whether there is one, and which ones are the same. */
function standIn(secret: string, values: Values): string {
  const secrets = [...new Set(Object.entries(values).flatMap(([name, value]) => (isSecret(name) && value !== '' ? [value] : [])))];
  return secret === '' ? '' : `secret-${secrets.indexOf(secret) + 1}`;
}

/** Of values that add up, the classes that the remedy is about; everything else as it is. */
function ofInterest(name: string, value: string, remedy: readonly string[]): string {
  if (!addsUp(name) || meaningOf(name) === 'save') return value;
  const words = splitWords(value) ?? [];
  const classes = remedy.flatMap((line) => {
    const [directive = '', which = ''] = splitWords(line) ?? [];
    return meaningOf(directive) === meaningOf(name) ? [meaningOf(which)] : [];
  });
  const groups = Array.from({ length: words.length / 4 }, (_, at) => words.slice(4 * at, 4 * at + 4));
  const chosen = groups.filter(([which = '']) => classes.includes(meaningOf(which)));
  return (chosen.length > 0 ? chosen : groups).flat().join(' ');
}

/** Under the name of today as well, whatever the engine calls it. */
const inAllNames = (values: Values): Values => ({
  ...Object.fromEntries(Object.entries(values).map(([name, value]) => [meaningOf(name), value])),
  ...values,
});
