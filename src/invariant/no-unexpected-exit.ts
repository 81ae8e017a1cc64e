import { type Invariant, held, unknown, violated } from '../invariant.ts';

export default {
  name: 'no-unexpected-exit',
  claim: 'No engine process ended or crashed unless a fault ended it.',
  check(timeline) {
    if (timeline.phaseAtMs('verify') === undefined) return unknown('the run ended before the verify phase');
    const exits = timeline.of('container-exited').filter(({ expected }) => !expected);
    const crashes = timeline.of('log-line').filter(({ kind }) => kind === 'crashed');
    if (exits.length + crashes.length === 0) return held('every engine process lived as it should');
    return violated(
      [
        ...exits.map(({ node, exitCode }) => `${node} exited with ${exitCode}`),
        ...crashes.map(({ node, text }) => `${node}: ${text}`),
      ].join('; '),
      [...exits, ...crashes].map(({ seq }) => seq),
    );
  },
} satisfies Invariant;
