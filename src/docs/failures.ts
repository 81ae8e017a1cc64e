import { formatMs } from '../base/duration.ts';
import { loadCatalogue } from '../cli/load.ts';
import { factorText } from '../conf/scale.ts';
import { scalingOf } from '../cli/scaling.ts';
import { type Experiment, expectationOn, type Variant } from '../experiment.ts';
import { type Measured, presentMeasured } from '../measured.ts';
import type { EngineInfo } from '../timeline.ts';
import { cell, table } from '../base/markdown.ts';

/** The order of the columns. */
export const engines = ['redis:6.0', 'redis:7.0', 'redis:8.0', 'valkey:8.1', 'valkey:9.1'];
const levels = ['easy', 'medium', 'hard'] as const;

const tally = (measured: readonly Measured[]): string => {
  const runs = measured.reduce((sum, entry) => sum + entry.runs, 0);
  return runs === 0 ? 'not yet' : `${measured.reduce((sum, entry) => sum + entry.asExpected, 0)} of ${runs}`;
};

/** All failures, from easy to hard. */
export async function failuresTable(): Promise<string> {
  const catalogue = await loadCatalogue();
  const measured = Map.groupBy(presentMeasured(), ({ experiment }) => experiment);
  return levels
    .map((level) => {
      const rows = catalogue
        .filter(({ failure }) => failure?.level === level)
        .map(({ name, failure }) => [`[\`${name}\`](#${name})`, cell(failure?.symptom ?? ''), tally(measured.get(name) ?? [])]);
      return rows.length === 0 ? '' : `**${level}**\n\n${table(['experiment', 'what people see', 'as expected'], rows)}`;
    })
    .filter((text) => text !== '')
    .join('\n\n');
}

/** As the engine would tell of itself. */
export const infoOf = (engine: string): EngineInfo => {
  const [kind, version] = engine.split(':');
  return { kind, version: `${version}.0`, image: engine } as EngineInfo;
};

/** Once where all engines do the same, else with the engines behind it. */
function expects(variant: Variant): string {
  const said = Map.groupBy(engines, (engine) => {
    if (variant.unsuited?.(infoOf(engine)) !== undefined) return 'not asked';
    const symptoms = Object.entries(expectationOn(variant, infoOf(engine))).map(([name, what]) => (what === 'open' ? `(${name})` : name));
    return symptoms.join(', ') || 'everything holds';
  });
  return said.size === 1 ? ([...said.keys()][0] as string) : [...said].map(([what, which]) => `${which.join(', ')}: ${what}`).join('<br>');
}

const factor = (scale: number): string => (scale === 1 ? 'as it is' : `× ${factorText(scale)}`);

function figures({ figures: { detectionMs, failoverMs, healthyAfterMs, writeGapMs, lostWrites } }: Measured): string {
  const told = [
    failoverMs !== undefined && `failover ${formatMs(failoverMs)}`,
    failoverMs === undefined && detectionMs !== undefined && `marked fail after ${formatMs(detectionMs)}`,
    writeGapMs !== undefined && `no write for ${formatMs(writeGapMs)}`,
    healthyAfterMs !== undefined && `healthy ${formatMs(healthyAfterMs)} after the heal`,
    lostWrites !== undefined && lostWrites > 0 && `${lostWrites} writes lost`,
  ];
  return told.filter((text) => text !== false).join(', ');
}

/** How the judge begins where a symptom was to come and came. */
const symptomShown = 'exactly the expected symptom: ';

function measuredTable({ variants }: Experiment, measured: readonly Measured[]): string {
  const tried = engines.filter((engine) => measured.some((entry) => entry.engine === engine));
  if (tried.length === 0) return '';
  const versionOf = (engine: string): string => measured.findLast((entry) => entry.engine === engine)?.version ?? '';
  const rows = tried.map((engine) => [
    `${engine.split(':')[0]} ${versionOf(engine)}`,
    ...Object.keys(variants).map((variant) => {
      const entry = measured.find((candidate) => candidate.engine === engine && candidate.variant === variant);
      if (!entry) return '';
      const said = entry.verdict === 'as-expected' ? figures(entry) : `${entry.verdict}: ${cell(entry.because)}`;
      return [`${entry.asExpected} of ${entry.runs}, ${Math.round(entry.tookMs / 1_000)} s`, said].filter((text) => text !== '').join('; ');
    }),
  ]);
  const seen = Object.keys(variants).flatMap((variant) => {
    const shown = tried
      .flatMap((engine) => measured.filter((entry) => entry.variant === variant && entry.engine === engine))
      .filter(({ verdict, because }) => verdict === 'as-expected' && because.startsWith(symptomShown));
    return shown.length === 0
      ? []
      : [
          `Seen, \`${variant}\`:\n\n${shown.map(({ engine, because }) => `- ${engine}: ${cell(because.replace(symptomShown, ''))}`).join('\n')}`,
        ];
  });
  return [table(['engine', ...Object.keys(variants)], rows), ...seen].join('\n\n');
}

/** Each failure: what people see, why, what decides and helps, and what was measured. */
export async function failuresText(): Promise<string> {
  const catalogue = await loadCatalogue();
  const measured = Map.groupBy(presentMeasured(), ({ experiment }) => experiment);
  const inOrder = levels.flatMap((level) => catalogue.filter(({ failure }) => failure?.level === level));
  return inOrder.map((experiment) => failureText(experiment, measured.get(experiment.name) ?? [])).join('\n\n');
}

function failureText(experiment: Experiment, measured: readonly Measured[]): string {
  const { name, hypothesis, failure, variants } = experiment;
  if (!failure) return `### ${name}`;
  const { symptom, cause, setting, remedy, engines: differences, audit } = failure;
  const told: readonly (readonly [string, string | undefined])[] = [
    ['Symptom', symptom],
    ['Cause', cause],
    ['What decides', setting],
    ['Remedy', remedy],
    ['Engines', differences],
    ['The claim that is tried', hypothesis],
    ['Scale', scalingOf(name)],
    [
      'Audit',
      typeof audit === 'string'
        ? `not applicable: ${audit}`
        : Object.entries(audit.scale)
            .map(([directive, scale]) => `\`${directive}\` ${factor(scale)}`)
            .join(', '),
    ],
  ];
  const lines = typeof audit === 'string' || audit.lines.length === 0 ? '' : `\n\n\`\`\`conf\n${audit.lines.join('\n')}\n\`\`\``;
  const variantsTable = table(
    ['variant', 'what is done', 'what must come'],
    Object.entries(variants).map(([variant, own]) => [`\`${variant}\``, cell(own.about ?? ''), expects(own)]),
  );
  return [
    `### ${name}`,
    told.flatMap(([what, text]) => (text ? [`- **${what}**: ${text.replaceAll('<', '&lt;')}`] : [])).join('\n') + lines,
    variantsTable,
    measuredTable(experiment, measured),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** What engines do differently, as the experiments say and expect it. */
export async function enginesTable(): Promise<string> {
  const rows = (await loadCatalogue()).flatMap(({ name, failure }) =>
    failure?.engines ? [[`[\`${name}\`](#${name})`, cell(failure.engines)]] : [],
  );
  return rows.length === 0 ? 'Nowhere, so far.' : table(['experiment', 'difference'], rows);
}

/** Without what is of one run: the cases in brackets, and addresses. */
const checkInShort = (said: string): string => said.replace(/ \(.*$/s, '').replaceAll(/(Redis|Valkey) at \d+(\.\d+){3}:\d+/g, 'a node');

/** Final states in which not both found all well: what the engine's own --cluster check said, and we. */
export function clusterChecksTable(measured: readonly Measured[] = presentMeasured()): string {
  const differing = measured.filter(({ clusterCheck }) => clusterCheck !== '');
  if (differing.length === 0) return 'None differed.';
  const rows = [
    ...Map.groupBy(differing, ({ experiment, variant, clusterCheck }) => `\`${experiment}\` ${variant}\n${checkInShort(clusterCheck)}`),
  ].map(([what, entries]) => {
    const [run = '', said = ''] = what.split('\n');
    return [run, entries.map(({ engine }) => engine).join(', '), cell(said)];
  });
  return table(['run', 'engines', 'what both said'], rows);
}
