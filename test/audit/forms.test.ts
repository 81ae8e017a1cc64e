import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type AuditResult, type FailureAnswer, worstFirst } from '../../src/audit.ts';
import { auditJunit } from '../../src/audit/junit.ts';
import { auditMarkdown } from '../../src/audit/markdown.ts';
import { labelOf, remedyText } from '../../src/audit/summary.ts';
import { auditText } from '../../src/audit/text.ts';

const base: FailureAnswer = {
  experiment: 'fine',
  level: 'easy',
  symptom: 'Nothing to see.',
  answer: 'protected',
  because: 'all 20 properties held',
  accepted: false,
  losesData: false,
  scaling: '',
  deciding: [],
  beside: [],
  remedy: 'Nothing.',
  lines: [],
  withRemedy: null,
  report: 'results/audit/1/fine/report.html',
  again: 'slotquake run fine',
};
const failures: readonly FailureAnswer[] = [
  base,
  { ...base, experiment: 'lived-with', answer: 'exposed', accepted: true },
  { ...base, experiment: 'unclear', answer: 'inconclusive', because: 'the fault had no effect: <pause>' },
  { ...base, experiment: 'firewall', answer: 'not applicable', because: 'No setting decides.', report: null, again: null },
  { ...base, experiment: 'late', answer: 'exposed', because: 'it took 9 s' },
  {
    ...base,
    experiment: 'endless',
    answer: 'exposed',
    losesData: true,
    symptom: 'A replica | never finishes.',
    because: 'no-endless-full-resync: 9 full resyncs & \u001b[31mmore',
    scaling: 'Scaled by 1/64: a data set of 448 MB is 7 MB.',
    deciding: [
      {
        directive: 'client-output-buffer-limit',
        at: [],
        value: 'replica 256mb 64mb 60',
        ranWith: 'replica 4mb 1mb 60',
        factor: 1 / 64,
        remark: '',
      },
      {
        directive: 'repl-timeout',
        at: ['/etc/redis/redis.conf:12', '/etc/redis/redis.conf:14'],
        value: '60',
        ranWith: '1',
        factor: 1 / 100,
        remark: 'the least there is',
      },
      { directive: 'repl-rdb-channel', at: [], value: '', ranWith: null, factor: 1, remark: 'redis 7.0.15 has no such directive' },
    ],
    beside: ['hz', 'maxmemory-policy'],
    lines: ['client-output-buffer-limit replica 2gb 1gb 120', 'repl-backlog-size 1gb'],
    remedy: 'A limit above what is written meanwhile.',
    withRemedy: { answer: 'protected', because: 'all 20 properties held', report: null },
  },
];
const result: AuditResult = {
  format: 1,
  slotquake: '0',
  conf: 'redis.conf',
  engine: { kind: 'redis', version: '7.0.15', image: 'redis:7.0' },
  startedAt: '2026-11-24T00:00:00.000Z',
  seconds: 321,
  folder: 'results/audit/1',
  warnings: [{ at: 'redis.conf:3', directive: 'maxmemroy', because: 'redis 7.0.15 has no such directive; left out' }],
  apart: [
    { at: 'redis.conf:1', directive: 'port', because: 'a container has its own network' },
    { at: 'redis.conf:2', directive: 'bind', because: 'a container has its own network' },
  ],
  others: [{ at: 'redis.conf:4', directive: 'hz 100', because: 'laid over every run as it is' }],
  failures: failures.toSorted(worstFirst),
};

describe('the text of an audit', () => {
  const text = stripVTControlCharacters(auditText(result, 100));
  it('has the worst first: what loses data, what is not accepted, what is not known', () => {
    const heads = [...text.matchAll(/^(EXPOSED|INCONCLUSIVE|PROTECTED)(.*?) {2}(\S+)$/gm)].map(([, , , name]) => name);
    expect(heads).toEqual(['endless', 'late', 'lived-with', 'unclear', 'fine']);
    expect(text).toContain('EXPOSED, LOSES DATA  endless');
    expect(text).toContain('EXPOSED, ACCEPTED  lived-with');
    expect(text).toMatch(/^NOT APPLICABLE\n {2}firewall {2}No setting decides\.$/m);
  });
  it('counts in its first sentence', () => {
    expect(text.split('\n\n')[0]?.replaceAll(/\s+/g, ' ')).toContain(
      'redis.conf on redis 7.0.15: of 5 failures that settings decide 3 exposed (1 accepted), 1 protected, 1 inconclusive; 1 not applicable ! redis.conf:3 maxmemroy:',
    );
  });
  it('aligns what decides, with who says so and what the run had, and gives the lines of the remedy', () => {
    expect(text).toContain(
      [
        "  setting   client-output-buffer-limit  replica 256mb 64mb 60  the engine's default  ran with replica 4mb 1mb 60 (× 1/64)",
        '            repl-timeout                60                     redis.conf:12,14      ran with 1 (× 1/100, the least there is)',
        '            repl-rdb-channel                                                         (redis 7.0.15 has no such directive)',
        '  scale     Scaled by 1/64: a data set of 448 MB is 7 MB.',
        '  beside    hz, maxmemory-policy, as you have them',
        '  remedy    A limit above what is written meanwhile.',
        '            client-output-buffer-limit replica 2gb 1gb 120',
        '            repl-backlog-size 1gb',
        '  with it   protected: all 20 properties held',
        '  report    results/audit/1/fine/report.html',
      ].join('\n'),
    );
  });
  it('says what became of the rest', () => {
    expect(text).toContain('a container has its own network: port, bind');
    expect(text).toContain('laid over every run as it is: hz 100');
  });
  it('lets nothing of a record steer the terminal', () => expect(auditText(result, 100)).not.toContain('\u001b[31mmore'));
  it('fits into a narrow terminal, but for paths and settings', () => {
    const long = stripVTControlCharacters(auditText(result, 60))
      .split('\n')
      .filter((line) => line.length > 60 && !/^ {2}(setting|report| {9})/.test(line));
    expect(long).toEqual([]);
  });
});

describe('the Markdown of an audit', () => {
  const markdown = auditMarkdown(result);
  it('has a section for each answer, in which nothing breaks a table', () => {
    expect([...markdown.matchAll(/^#+ (.*)$/gm)].map(([, head]) => head)).toEqual([
      'Would it hit me?',
      'Exposed',
      'endless (exposed, loses data)',
      'late (exposed)',
      'lived-with (exposed, accepted)',
      'Inconclusive',
      'unclear (inconclusive)',
      'Protected',
      'Not applicable',
      'Your other settings',
      'Left out, because a run in containers cannot have it',
    ]);
    expect(markdown).toContain('Scaled by 1/64: a data set of 448 MB is 7 MB.');
    expect(markdown).toContain('A replica \\| never finishes.');
    expect(markdown).toContain('&lt;pause>');
    expect(markdown).toContain('```\nclient-output-buffer-limit replica 2gb 1gb 120\nrepl-backlog-size 1gb\n```');
  });
});

describe('the label of an answer', () => {
  it('says that it is accepted, whatever it is', () => {
    expect(labelOf({ ...base, answer: 'inconclusive', accepted: true })).toBe('inconclusive, accepted');
    expect(labelOf({ ...base, answer: 'exposed', losesData: true, accepted: true })).toBe('exposed, loses data, accepted');
    expect(labelOf({ ...base, answer: 'inconclusive', losesData: true })).toBe('inconclusive');
  });
  it('says of a remedy without a line that none helps', () =>
    expect(remedyText({ ...base, withRemedy: 'no line helps' })).toBe('no line helps'));
});

describe('the JUnit XML of an audit', () => {
  const xml = auditJunit(result);
  it('counts what is not accepted', () => {
    expect(xml).toContain('tests="6" failures="2" errors="1" skipped="2"');
    expect([...xml.matchAll(/<testcase [^>]*name="([^"]*)"><(\w+)/g)].map(([, name, tag]) => [name, tag])).toEqual([
      ['endless', 'failure'],
      ['late', 'failure'],
      ['lived-with', 'skipped'],
      ['unclear', 'error'],
      ['firewall', 'skipped'],
    ]);
  });
  it('is XML whatever a record holds', () => {
    expect(xml).not.toContain('\u001b');
    expect(xml.replaceAll(/&#\d+;/g, '')).not.toContain('&');
    expect(xml).not.toContain('<pause>');
    const open: string[] = [];
    const crossed: string[] = [];
    for (const [, slash, tag = '', closed] of xml.replace(/^<\?.*\?>/, '').matchAll(/<(\/?)([\w-]+)[^<>]*?(\/?)>/g)) {
      const opened = slash ? open.pop() : tag;
      if (opened !== tag) crossed.push(tag);
      if (!slash && !closed) open.push(tag);
    }
    expect({ open, crossed }).toEqual({ open: [], crossed: [] });
  });
});
