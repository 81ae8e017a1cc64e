import { auditRuns } from './audits.ts';
import { clusterChecksTable, enginesTable, failuresTable, failuresText } from './docs/failures.ts';
import { cell, table } from './base/markdown.ts';
import { allFaults } from './faults.ts';
import { clientRuns, lossRuns, spread } from './losses.ts';
import { type ParameterInfo, parametersOf } from './parameter.ts';
import { outcomeTable } from './workload/outcome.ts';
import { workloadOptions } from './workload.ts';
import { allWorkloads } from './workloads.ts';

/** A default as it is written, without the quotes of JSON. */
const fallbackText = (fallback: unknown): string => JSON.stringify(fallback).replaceAll('"', '');

function parameterText({ about, choices, fallback, required }: ParameterInfo, name: string): string {
  const given = choices.length > 0 && !about.includes(choices[0] as string) ? `: ${choices.join(', ')}` : about ? `: ${about}` : '';
  const otherwise = fallback !== undefined ? ` (${fallbackText(fallback)})` : required ? ' (required)' : '';
  return cell(`\`${name}\`${given}${otherwise}`);
}

/** All kinds of fault, from what each file says of itself. */
async function faultTable(): Promise<string> {
  return table(
    ['fault', 'parameters', 'what it does', 'evidence', 'undo'],
    [...(await allFaults())].map(([name, { kind }]) => [
      `**${name}**<br>${cell(kind.about)}`,
      parametersOf(kind.parameters)
        .map((info) => parameterText(info, info.flag))
        .join('<br>'),
      ...[kind.mechanism, kind.evidence, kind.undo].map(cell),
    ]),
  );
}

/** All kinds of workload, and below them the options that every kind has. */
async function workloadTable(): Promise<string> {
  const kinds = table(
    ['workload', 'what clients do', 'what must be true', 'options of its own'],
    [...(await allWorkloads())].map(([name, { kind }]) => [
      `**${name}**`,
      ...[kind.about, kind.promise].map(cell),
      kind.extra
        ? parametersOf(kind.extra)
            .map((info) => parameterText(info, info.name))
            .join('<br>')
        : '',
    ]),
  );
  const options = table(
    ['option of every workload', 'default', 'meaning'],
    parametersOf(workloadOptions).map(({ name, about, choices, fallback }) => [
      `\`${name}\``,
      cell(fallbackText(fallback)),
      cell(choices.length > 0 && !choices.every((choice) => about.includes(choice)) ? `${about}: ${choices.join(', ')}` : about),
    ]),
  );
  return `${kinds}\n\n${options}`;
}

/** What each error says about the operation that got it. */
const outcomesTable = (): string =>
  table(
    ['error', 'reason', 'outcome', 'why', 'known from'],
    outcomeTable.map(({ pattern, reason, outcome, why, source }) => [
      pattern === null ? '' : `\`${pattern.source.replaceAll('|', '\\|')}\``,
      reason,
      outcome,
      cell(why),
      cell(source),
    ]),
  );

const variants = ['wounded', 'wait', 'min-replicas', 'cured'] as const;

/** What the experiments about losses lost, from experiments/losses.json: the median of the runs, and the least and greatest. */
function lossesTable(): string {
  const runs = lossRuns();
  return [...Map.groupBy(runs, ({ experiment }) => experiment)]
    .map(([experiment, all]) => {
      const rows = [...Map.groupBy(all, ({ engine, version }) => `${engine.split(':')[0]} ${version}`)].map(([engine, ofEngine]) => [
        engine,
        ...variants.map((variant) => {
          const made = ofEngine.filter((run) => run.variant === variant);
          if (made.length === 0) return '';
          const lost = spread(made.map((run) => run.lost));
          return lost === '0' ? '0' : `${lost} in ${spread(made.map(({ windowMs }) => windowMs))} ms`;
        }),
        `${ofEngine.filter(({ verdict }) => verdict === 'as-expected').length} of ${ofEngine.length}`,
      ]);
      return `**${experiment}**\n\n${table(['engine', 'as it comes', 'WAIT 1', 'min-replicas-to-write 1', 'both', 'runs as expected'], rows)}`;
    })
    .join('\n\n');
}

/** What applications feel with each client, from experiments/clients.json. */
function clientsTable(): string {
  const seconds = (values: readonly (number | null)[]): string => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? 'none' : `${spread(known.map((ms) => Math.round(ms / 10) / 100))} s`;
  };
  return [...Map.groupBy(clientRuns(), ({ experiment, engine }) => `${experiment}** on ${engine}`)]
    .map(([what, all]) => {
      const rows = [...Map.groupBy(all, ({ client }) => client)].map(([client, runs]) => [
        client,
        seconds(runs.map(({ firstErrorMs }) => firstErrorMs)),
        seconds(runs.map(({ hurtShardMs }) => hurtShardMs)),
        seconds(runs.map(({ otherShardsMs }) => otherShardsMs)),
        seconds(runs.map(({ lastErrorMs }) => lastErrorMs)),
        `${spread(runs.map(({ errors }) => errors))} of ${spread(runs.map(({ operations }) => operations))}`,
        spread(runs.map(({ neverAnswered, stuck }) => neverAnswered + stuck)),
        spread(runs.map(({ lost }) => lost)),
      ]);
      const heads = [
        'client',
        'first error',
        'stall of its shard',
        'of the others',
        'last error after the heal',
        'errors',
        'stuck',
        'lost',
      ];
      return `**${what}\n\n${table(heads, rows)}`;
    })
    .join('\n\n');
}

/** The answers of the audits, a column for each configuration; failures with the same answers everywhere share a row. */
function auditsTable(): string {
  const runs = auditRuns();
  const names = [...new Set(runs.flatMap(({ answers }) => Object.keys(answers)))].toSorted();
  const rows = [...Map.groupBy(names, (name) => runs.map(({ answers }) => answers[name] ?? '').join('|'))].map(([said, which]) => [
    which.map((name) => `\`${name}\``).join(', '),
    ...said.split('|'),
  ]);
  const heads = runs.map(({ conf, engine, version, seconds }) => `${conf}<br>${engine.split(':')[0]} ${version}, ${seconds} s`);
  return table(['failure', ...heads], rows);
}

type Tables = Readonly<Record<string, () => string | Promise<string>>>;
/** The tables that each document holds between two marks. */
export const documents: Readonly<Record<string, Tables>> = {
  'README.md': { faults: faultTable, workloads: workloadTable, outcomes: outcomesTable },
  'experiments/README.md': {
    catalogue: failuresTable,
    engines: enginesTable,
    failures: failuresText,
    'cluster checks': clusterChecksTable,
    losses: lossesTable,
    clients: clientsTable,
    audits: auditsTable,
  },
};

/** A document's text with today's tables between the marks. */
export async function withTables(text: string, tables: Tables): Promise<string> {
  let result = text;
  for (const [name, made] of Object.entries(tables)) {
    const [start, end] = [`<!-- ${name}: made by \`npm run docs\` -->`, `<!-- end of ${name} -->`];
    const [before, after] = [result.indexOf(start), result.indexOf(end)];
    if (before < 0 || after < before) throw new Error(`expected the marks ${start} and ${end} around the table of ${name}, found them not`);
    result = `${result.slice(0, before)}${start}\n\n${await made()}\n\n${result.slice(after)}`;
  }
  return result;
}

if (import.meta.main) {
  const { readFileSync, writeFileSync } = await import('node:fs');
  for (const [name, tables] of Object.entries(documents)) {
    const file = new URL(`../${name}`, import.meta.url);
    writeFileSync(file, await withTables(readFileSync(file, 'utf8'), tables));
  }
}
