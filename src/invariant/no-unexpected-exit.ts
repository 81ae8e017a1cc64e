import { type Invariant, held, unknown, violated } from '../invariant.ts';
import { spanOf } from '../timeline/claims.ts';
import { allowanceMs } from '../timeline/theory.ts';

/**
 * A fault that exposes a node as crashed or emptied may end its engine from its first step until it is healed; so may a
 * command of ours. Any other end of an engine is its own, also under a fault that only fills its disk or parts it.
 */
export default {
  name: 'no-unexpected-exit',
  claim: 'No engine process ended or crashed unless a fault ended it.',
  check(timeline) {
    if (timeline.phaseAtMs('verify') === undefined) return unknown('the run ended before the verify phase');
    const ending = timeline
      .of('fault-injecting')
      .flatMap((fault) =>
        fault.exposes
          .filter(({ how }) => how === 'crashed' || how === 'emptied')
          .map(({ node }) => ({ node, fromMs: fault.atMs, toMs: spanOf(timeline, fault.fault).healedAtMs + allowanceMs })),
      );
    const meant = (node: string, atMs: number): boolean =>
      ending.some((fault) => fault.node === node && atMs >= fault.fromMs && atMs <= fault.toMs);
    const exits = timeline.of('container-exited').filter(({ node, atMs, expected }) => !expected && !meant(node, atMs));
    const crashes = timeline.of('log-line').filter(({ kind, node, loggedAtMs }) => kind === 'crashed' && !meant(node, loggedAtMs));
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
