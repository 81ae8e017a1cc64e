import { describe, expect, it } from 'vitest';
import type { FailureAnswer } from '../../src/audit.ts';
import { type Tried, tryRemedies } from '../../src/cli/trials.ts';
import type { Experiment } from '../../src/experiment.ts';

const experiment: Experiment = { name: 'example', hypothesis: 'x', variants: { wounded: {} }, disturb: async () => {} };
const trial = { engine: 'redis:7.0', accept: [], folder: '/nowhere', signal: new AbortController().signal, say: () => {} };
const engine = { kind: 'redis', version: '7.0.15', image: 'redis:7.0' } as const;

describe('a remedy', () => {
  for (const lines of [[], ['# No line helps a replica that is stale.']])
    it(`makes no run where its lines are ${JSON.stringify(lines)}`, async () => {
      const tried: Tried = {
        name: 'example',
        experiment,
        scaling: '',
        plan: { tried: true, variant: 'wounded', config: {}, deciding: [], lines, beside: [], symptoms: ['state-ok'] },
      };
      const exposed: FailureAnswer = {
        experiment: 'example',
        level: null,
        symptom: '',
        answer: 'exposed',
        because: '',
        accepted: false,
        losesData: false,
        scaling: '',
        deciding: [],
        beside: [],
        remedy: '',
        lines,
        withRemedy: null,
        report: null,
        again: null,
      };
      const answers = new Map([[tried, exposed]]);
      const asked = async (): Promise<never> => Promise.reject(new Error('the engine was asked'));
      await tryRemedies([tried], answers, trial, asked, engine);
      expect(answers.get(tried)?.withRemedy).toBe('no line helps');
    });
});
