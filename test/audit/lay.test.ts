import { describe, expect, it } from 'vitest';
import { lay } from '../../src/audit/lay.ts';
import type { Yours } from '../../src/audit/yours.ts';
import type { Audit, Experiment, Variant } from '../../src/experiment.ts';

const redis = { kind: 'redis', version: '7.0.15', image: 'redis:7.0' } as const;
const defaults = {
  'cluster-node-timeout': '15000',
  'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
  'repl-backlog-size': '1048576',
  'maxmemory-policy': 'noeviction',
  maxmemory: '0',
  appendonly: 'no',
  save: '3600 1 300 100 60 10000',
  'min-slaves-max-lag': '10',
  'replica-priority': '100',
  requirepass: '',
  masterauth: '',
  'proc-title-template': '{title}',
};
const yours = (own: Record<string, string> = {}): Yours => ({
  known: Object.keys(defaults),
  values: { ...defaults, ...own },
  setAt: Object.fromEntries(Object.keys(own).map((name, index) => [name, [`redis.conf:${index + 1}`]])),
  offered: Object.keys(own),
  warnings: [],
  apart: [],
});
const experiment = (audit: Audit | string, wounded: Variant = {}, more: Partial<Experiment> = {}): Experiment => ({
  name: 'example',
  hypothesis: 'x',
  failure: { level: 'easy', symptom: 's', cause: 'c', setting: 's', remedy: 'r', audit },
  variants: { wounded: { expect: { 'state-ok': 'violated' }, ...wounded } },
  disturb: async () => {},
  ...more,
});
const tried = (...args: Parameters<typeof lay>) => {
  const plan = lay(...args);
  if (!plan.tried) throw new Error(plan.because);
  return plan;
};

describe('laying settings over the wounded variant', () => {
  it('scales what decides, the default where the user says nothing, and replaces what the variant has', () => {
    const audit: Audit = {
      scale: { 'cluster-node-timeout': 2 / 15, 'client-output-buffer-limit': 1 / 64, 'min-replicas-max-lag': 1 / 10 },
      lines: ['client-output-buffer-limit replica 512mb 128mb 60'],
    };
    const wound: Variant = { config: { 'client-output-buffer-limit': 'replica 1mb 1mb 60', 'min-replicas-max-lag': 5 } };
    const { config, deciding, symptoms } = tried(experiment(audit, wound), yours({ 'cluster-node-timeout': '30000' }), redis);
    expect(config).toEqual({
      'cluster-node-timeout': '4000',
      'client-output-buffer-limit': ['normal 0 0 0', 'slave 4194304 1048576 60', 'pubsub 524288 131072 60'],
      // Under the name that the variant uses.
      'min-replicas-max-lag': '1',
    });
    expect(deciding).toEqual([
      { directive: 'cluster-node-timeout', at: ['redis.conf:1'], value: '30000', ranWith: '4000', factor: 2 / 15, remark: '' },
      // Of the classes only the one that the remedy is about.
      {
        directive: 'client-output-buffer-limit',
        at: [],
        value: 'replica 256mb 64mb 60',
        ranWith: 'replica 4mb 1mb 60',
        factor: 1 / 64,
        remark: '',
      },
      { directive: 'min-slaves-max-lag', at: [], value: '10', ranWith: '1', factor: 1 / 10, remark: '' },
    ]);
    expect(symptoms).toEqual(['state-ok']);
  });
  it('lays the rest over as it is, but for sizes and for what the experiment or every cluster of ours sets', () => {
    const own = {
      maxmemory: '1000',
      'maxmemory-policy': 'allkeys-lru',
      appendonly: 'yes',
      'replica-priority': '50',
      'proc-title-template': '{title} x',
    };
    const audit: Audit = { scale: { 'cluster-node-timeout': 1 }, lines: [] };
    const { config, beside } = tried(experiment(audit, { config: { 'replica-priority': 1 } }), yours(own), redis);
    expect(beside).toEqual(['maxmemory-policy', 'proc-title-template']);
    expect(config).toEqual({ 'maxmemory-policy': 'allkeys-lru', 'proc-title-template': '"{title} x"', 'cluster-node-timeout': '15000' });
  });
  it('has one line for each pair of save, and an empty one for none', () => {
    const audit: Audit = { scale: { save: 1 / 60 }, lines: [] };
    expect(tried(experiment(audit), yours(), redis).config).toEqual({ save: ['60 1', '5 2', '1 167'] });
    expect(tried(experiment(audit), yours({ save: '' }), redis).config).toEqual({ save: '' });
  });
  it('says so where the engine lacks a directive', () => {
    const { config, deciding } = tried(experiment({ scale: { 'shutdown-timeout': 1 }, lines: [] }), yours(), redis);
    expect(config).toEqual({});
    expect(deciding).toEqual([
      { directive: 'shutdown-timeout', at: [], value: '', ranWith: null, factor: 1, remark: 'redis 7.0.15 has no such directive' },
    ]);
  });
  it('leaves out of the remedy what the engine does not know, and keeps comments', () => {
    const lines = ['cluster-allow-replica-migration yes', '# No line helps.', 'min-replicas-max-lag 10'];
    expect(tried(experiment({ scale: {}, lines }), yours(), redis).lines).toEqual(['# No line helps.', 'min-replicas-max-lag 10']);
  });
  it('asks for the symptoms that the audit names, where it names some', () => {
    const named: Audit = { scale: {}, lines: [], symptoms: ['gap-bounded', 'no-acknowledged-write-lost'] };
    expect(tried(experiment(named), yours(), redis).symptoms).toEqual(named.symptoms);
  });
  it('keeps secrets out of records, and their equality in', () => {
    const audit: Audit = { scale: { requirepass: 1, masterauth: 1 }, lines: [] };
    const equal = tried(experiment(audit), yours({ requirepass: 'hush', masterauth: 'hush' }), redis);
    expect(equal.config).toEqual({ requirepass: 'secret-1', masterauth: 'secret-1' });
    expect(equal.deciding.map(({ value, ranWith }) => [value, ranWith])).toEqual([
      ['(a secret)', '(a secret)'],
      ['(a secret)', '(a secret)'],
    ]);
    expect(tried(experiment(audit), yours({ requirepass: 'hush', masterauth: 'other' }), redis).config).toEqual({
      requirepass: 'secret-1',
      masterauth: 'secret-2',
    });
    expect(tried(experiment(audit), yours({ requirepass: 'hush' }), redis).config).toEqual({ requirepass: 'secret-1', masterauth: '' });
  });

  it('takes the other variant that shows it, where the engine cannot be asked for the wounded one', () => {
    const old: Variant = { unsuited: () => 'too old' };
    const variants = (normal: Variant): Partial<Experiment> => ({
      variants: { wounded: old, calm: {}, barred: { ...old, expect: { 'state-ok': 'violated' } }, default: normal },
    });
    const loses: Variant = { expect: { 'no-acknowledged-write-lost': 'violated' } };
    expect(tried(experiment(audit, {}, variants(loses)), yours(), redis)).toMatchObject({
      variant: 'default',
      symptoms: ['no-acknowledged-write-lost'],
    });
    expect(lay(experiment(audit, {}, variants({})), yours(), redis)).toMatchObject({ tried: false, because: 'too old' });
  });

  const audit: Audit = { scale: {}, lines: [] };
  const untried: readonly (readonly [why: string, example: Experiment, says: string])[] = [
    ['no setting decides', experiment('It is the firewall.'), 'It is the firewall.'],
    [
      'the engine does not show it',
      experiment(audit, { expect: () => ({ 'state-ok': 'open' }) }),
      'redis 7.0.15 does not show it, whatever is set',
    ],
    ['the variant does not suit the engine', experiment(audit, { unsuited: () => 'too old' }), 'too old'],
    ['there is no wound', experiment(audit, {}, { variants: { cured: {} } }), 'the experiment has no wounded variant'],
    ['nothing is known of it', experiment(audit, {}, { failure: undefined as never }), 'the experiment does not say which settings decide'],
    [
      'the settings rule it out',
      experiment({ ...audit, unless: (settings) => (settings['min-replicas-max-lag'] === '10' ? 'a short lag' : undefined) }),
      'a short lag',
    ],
  ];
  for (const [why, example, says] of untried)
    it(`is not done where ${why}`, () => expect(lay(example, yours(), redis)).toMatchObject({ tried: false, because: says }));
});
