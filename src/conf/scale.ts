import { type Measure, meaningOf, measures } from './directive.ts';
import { splitWords } from './words.ts';

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 2 ** 10,
  m: 1e6,
  mb: 2 ** 20,
  g: 1e9,
  gb: 2 ** 30,
};

/** Bytes of '256mb', '1k' or '1024' as the engine reads them (util.c memtoull); undefined where it would refuse. */
export function bytesOf(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+)([a-z]*)$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  return digits === '' || factor === undefined ? undefined : Number(digits) * factor;
}

/** A size in the largest unit that says it without loss, as redis.conf takes it. */
export function sizeText(bytes: number): string {
  const unit = (['gb', 'mb', 'kb'] as const).find((name) => bytes >= (units[name] as number) && bytes % (units[name] as number) === 0);
  return unit === undefined ? String(bytes) : `${bytes / (units[unit] as number)}${unit}`;
}

/** What rounding changes by more than this share is remarked on. */
const mostRounded = 0.05;

export interface Scaled {
  /** The words of the value, scaled. */
  readonly text: string;
  /** What scaling could not say exactly, as a remark for people; empty where it could. */
  readonly remark: string;
}

/** What a word of the value measures. */
const measureOf = (name: string, index: number): Measure => {
  const cycle = measures[meaningOf(name)] ?? ['count'];
  return cycle[index % cycle.length] as Measure;
};

/**
 * A value times a factor: sizes to whole bytes, spans and counts to whole units and at least one, since 0 would turn most of
 * them off. What is no number stays: words, percentages, numbers below zero, and everything where the factor is 1.
 */
export function scaleValue(name: string, value: string, factor: number): Scaled {
  if (factor === 1) return { text: value, remark: '' };
  const words = splitWords(value) ?? [value];
  const remarks = new Set<string>();
  const scaled = words.map((word, index) => {
    const measure = measureOf(name, index);
    if (measure === 'word' || measure === 'held') return word;
    const amount = measure === 'bytes' ? bytesOf(word) : /^\d+(\.\d+)?$/.test(word) ? Number(word) : undefined;
    if (amount === undefined || amount === 0) return word;
    const exact = amount * factor;
    const text = String(Math.max(1, Math.round(exact)));
    if (exact < 1) remarks.add('the least there is');
    else if (Math.abs(Number(text) - exact) > mostRounded * exact) remarks.add(`rounded from ${Number(exact.toPrecision(3))}`);
    // clusterCron runs ten times a second, and much else in the engine once a second.
    if (measure === 'ms' && exact < 1_000) remarks.add("short: the engine's own ticks weigh more than in production");
    return text;
  });
  return { text: scaled.join(' '), remark: [...remarks].join(', ') };
}

/** A value as people write it: sizes with their units. */
export function showValue(name: string, value: string): string {
  const words = splitWords(value) ?? [value];
  if (words.length === 0 || value === '') return '""';
  return words
    .map((word, index) => {
      const measure = measureOf(name, index);
      const bytes = measure === 'bytes' ? bytesOf(word) : undefined;
      return bytes === undefined ? (word === 'slave' ? 'replica' : word) : sizeText(bytes);
    })
    .join(' ');
}

/** 1/64, 2/15; a decimal where no small fraction says it. */
export function factorText(factor: number): string {
  for (let below = 1; below <= 1_024; below++) {
    const above = Math.round(factor * below);
    if (above > 0 && Math.abs(above / below - factor) <= factor * 1e-9) return below === 1 ? String(above) : `${above}/${below}`;
  }
  return factor.toPrecision(3);
}
