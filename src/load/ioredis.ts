import { Cluster } from 'ioredis';
import { ioredisSession } from './library.ts';
import type { OpenSession } from './session.ts';

export default ((cluster, workload, dial) => ioredisSession(Cluster as never, cluster, workload, dial)) satisfies OpenSession;
