import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jsonLines } from '../../src/base/json-lines.ts';
import type { AuditResult } from '../../src/audit.ts';
import { type AuditRun, auditRuns, auditsFile } from '../../src/audits.ts';
import { loadCatalogue } from '../../src/cli/load.ts';
import { flag } from './measured.ts';

/*
 * Real configurations, each audited on the engine that it comes with. Writes experiments/audits.json anew, from which
 * `npm run docs` makes the table; `--only` leaves the others as they are.
 *
 *     npm run audits -- [--only tutorial.conf]
 */
const engines = {
  'redis-7.conf': 'redis:7.0',
  'debian-6.0.conf': 'redis:6.0',
  'valkey-9.1.conf': 'valkey:9.1',
  'container.conf': 'redis:7.0',
  'tutorial.conf': 'redis:7.0',
  'hardened.conf': 'redis:7.0',
  'managed.txt': 'redis:7.0',
};
const order = Object.keys(engines);
const only = flag('only', '');
const root = path.join(import.meta.dirname, '..', '..');
const decided = new Set((await loadCatalogue()).filter(({ failure }) => typeof failure?.audit === 'object').map(({ name }) => name));
let runs: AuditRun[] = only === '' ? [] : auditRuns();
for (const [conf, engine] of Object.entries(engines)) {
  if (only !== '' && conf !== only) continue;
  const folder = mkdtempSync(path.join(tmpdir(), 'slotquake-audits-'));
  try {
    const json = path.join(folder, 'audit.json');
    const args = ['--redis-conf', `test/fixtures/conf/${conf}`, '--engine', engine, '--results', folder, '--json', json];
    const { stderr } = spawnSync(process.execPath, ['src/cli.ts', 'audit', ...args], { cwd: root, encoding: 'utf8' });
    process.stderr.write(stderr);
    const { seconds, engine: told, failures } = JSON.parse(readFileSync(json, 'utf8')) as AuditResult;
    const answers = failures
      .filter(({ experiment }) => decided.has(experiment))
      .map(({ experiment, answer }) => [experiment, answer] as const);
    const run = {
      conf,
      engine,
      version: told.version,
      seconds: Math.round(seconds),
      answers: Object.fromEntries(answers.toSorted(([a], [b]) => a.localeCompare(b))),
    };
    const others = runs.filter((other) => other.conf !== conf);
    runs = [...others, run].toSorted((a, b) => order.indexOf(a.conf) - order.indexOf(b.conf));
    console.log(JSON.stringify(run));
    for (const { experiment, answer, because } of failures)
      if (decided.has(experiment)) console.log(`  ${experiment}: ${answer}: ${because}`);
    writeFileSync(auditsFile, jsonLines(runs));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
