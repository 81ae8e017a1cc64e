import { heldByAll, type Invariant, unknown, violated } from '../invariant.ts';
import { lastingRefusals, said } from '../timeline/refusals.ts';

/** A link that stands lives on with the certificate that opened it: only what is opened anew is refused. */
export default {
  name: 'certificates-are-accepted',
  claim: 'In the end no link between nodes is refused for a certificate.',
  check(timeline) {
    const { loglevel = 'notice', 'tls-port': port = '0' } = timeline.run.settings;
    const refusals = lastingRefusals(timeline, 'certificate-refused');
    if (!refusals) return unknown('the run ended before the cluster was left alone');
    if (refusals.length > 0)
      return violated(
        said(refusals),
        refusals.map(({ seq }) => seq),
      );
    const views = [timeline.final('topology')];
    if (port === '0') return heldByAll('topology', views, 'nobody here has a certificate');
    if (!['verbose', 'debug'].includes(loglevel)) return unknown(`at loglevel ${loglevel} the bus says nothing of certificates`);
    return heldByAll('topology', views, 'no link is refused for a certificate');
  },
} satisfies Invariant;
