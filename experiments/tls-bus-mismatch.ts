/*
 * The bus runs over TLS. One replica gets a certificate that the others do not accept, and nothing happens, for links that
 * stand live on. With the next restart the others refuse it, whoever opens the link; it would still take their certificates, and
 * alone it only suspects them all (fail?). The node is marked fail and its shard has lost its replica, while the cluster says ok
 * and clients feel nothing until the primary dies as well.
 *
 * The documents blame wrong names too: the engine does not look at the name (tls.c asks for a certificate of the
 * authority, and sets no host to verify), so that a certificate for somebody else is as good as any. On the bus refusals
 * are logged at loglevel verbose only (cluster.c clusterLinkConnectHandler, clusterConnAcceptHandler).
 *
 * Scaled: the node timeout is 2 s instead of 15 s.
 */
import { defineExperiment, files, InconclusiveError, markedFail } from '../src/index.ts';

/** For as long as nobody repairs it: the node alone on its side, and a shard without a replica on the other. */
const symptom = {
  'certificates-are-accepted': 'violated',
  'bus-links-complete': 'violated',
  'views-agree': 'violated',
  'state-ok': 'violated',
  'replicas-in-step': 'violated',
  // Nothing is persisted here, and nobody gives it the data again.
  'data-not-empty': 'violated',
  'recovers-in-time': 'violated',
} as const;
const certificates: Readonly<Record<string, string>> = {
  wounded: 'untrusted',
  expired: 'expired',
  repair: 'untrusted',
  misnamed: 'misnamed',
  cured: 'renewed',
};

export default defineExperiment({
  name: 'tls-bus-mismatch',
  hypothesis: 'A replica that is restarted with a new certificate is back in its cluster.',
  failure: {
    level: 'medium',
    symptom: 'a node does not come back from a restart: all others mark it fail, it suspects all others (fail?), and no log says why',
    cause:
      'Both ends of a bus link check the certificate of the other (tls.c, tls-cluster yes), when a link is opened and never again; a refusal is logged at loglevel verbose (cluster.c clusterLinkConnectHandler, clusterConnAcceptHandler).',
    setting: 'tls-cert-file and tls-ca-cert-file: a certificate that has expired or is of an authority that the other nodes do not know',
    remedy:
      'Let every node trust old and new authority before the first certificate changes, restart one node and see that it comes back before the next, and watch the dates; names do not matter to the bus.',
    audit:
      'No setting decides but the certificates themselves: `openssl verify -CAfile` of tls-ca-cert-file on the tls-cert-file of every other node tells beforehand.',
  },
  cluster: { tls: true, config: { 'cluster-node-timeout': 2_000 } },
  settleWithin: '6s',
  variants: {
    wounded: { about: 'of an authority that nobody trusts', expect: symptom },
    expired: { about: 'its time is over', expect: symptom },
    misnamed: { about: 'for another name and address: nobody looks at them', settleWithin: '30s' },
    repair: { about: 'as wounded; then the right certificate and one more restart', settleWithin: '30s' },
    cured: { about: 'a renewed certificate of the authority that all trust', settleWithin: '30s' },
  },
  async disturb({ cluster, need, perform, random, variant }) {
    const { name: node, id } = random.pick(cluster.nodes.filter(({ formedAs }) => formedAs === 'replica'));
    const restartWith = async (certificate: string): Promise<void> => {
      const line = `tls-cert-file /data/tls/${certificate}.pem`;
      const edit = `sed -i 's#^tls-cert-file .*#${line}#' /data/redis.conf && grep -x '${line}' /data/redis.conf`;
      const { exitCode, output } = await perform(files(node, edit));
      if (exitCode !== 0) throw new InconclusiveError(`redis.conf of ${node} does not name ${certificate}.pem: ${output}`);
      await perform({ run: 'restart', node });
    };
    await restartWith(certificates[variant] ?? 'good');
    if (variant === 'cured' || variant === 'misnamed') return;
    await need('it is marked fail', markedFail(id), '15s');
    if (variant === 'repair') await restartWith('good');
  },
});
