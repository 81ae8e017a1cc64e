/**
 * What a cluster with TLS has in /data/tls of every node, as PEM. All certificates are of one key, so that a node can
 * change from one to another by a single setting.
 */
export interface Certificates {
  readonly authority: string;
  readonly key: string;
  readonly good: string;
  /** What follows the good one: of the same authority, with another serial number. */
  readonly renewed: string;
  /** Of the same authority, but its time is over. */
  readonly expired: string;
  /** Of an authority that nobody trusts. */
  readonly untrusted: string;
  /** Of the same authority, but for a name and an address that nobody here has. */
  readonly misnamed: string;
}

interface Names {
  readonly addresses: readonly string[];
  readonly hostnames: readonly string[];
}

const dayMs = 86_400_000;

/** Where the certificates are inside a node's containers. */
export const certificateFile = (name: keyof Certificates): string => `/data/${fileOf(name)}`;

const fileOf = (name: string): string => `tls/${name}.pem`;

/** The same below /data, each with its content. */
export const certificateFiles = (certificates: Certificates): Record<string, string> =>
  Object.fromEntries(Object.entries(certificates).map(([name, pem]) => [fileOf(name), pem as string]));

/** Certificates for nodes at these addresses and with these names. Good for a month: nobody is to find them useful for longer. */
export async function makeCertificates(
  addresses: readonly string[],
  hostnames: readonly string[] = [],
  nowMs = Date.now(),
): Promise<Certificates> {
  // Most clusters have none, and need not wait for what makes them.
  const { generate } = await import('selfsigned');
  const common = { keyType: 'ec', algorithm: 'sha256' } as const;
  const span = (fromMs: number, toMs: number) => ({ notBeforeDate: new Date(nowMs + fromMs), notAfterDate: new Date(nowMs + toMs) });
  const authority = (name: string) =>
    generate([{ name: 'commonName', value: name }], {
      ...common,
      ...span(-60 * dayMs, 30 * dayMs),
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    });
  const [trusted, stranger] = [await authority('Slotquake authority'), await authority('Slotquake stranger')];
  const ours: Names = { addresses: [...addresses, '127.0.0.1'], hostnames: [...hostnames, 'localhost'] };
  const issue = async (by: typeof trusted, fromMs: number, toMs: number, names = ours): Promise<string> => {
    const issued = await generate([{ name: 'commonName', value: 'Slotquake node' }], {
      ...common,
      ...span(fromMs, toMs),
      keyPair,
      ca: { key: by.private, cert: by.cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            ...names.addresses.map((ip) => ({ type: 7 as const, ip })),
            ...names.hostnames.map((value) => ({ type: 2 as const, value })),
          ],
        },
      ],
    });
    return issued.cert;
  };
  const own = await generate([{ name: 'commonName', value: 'key' }], common);
  const keyPair = { privateKey: own.private, publicKey: own.public };
  return {
    authority: trusted.cert,
    key: own.private,
    good: await issue(trusted, -dayMs, 29 * dayMs),
    renewed: await issue(trusted, -dayMs, 29 * dayMs),
    expired: await issue(trusted, -50 * dayMs, -dayMs),
    untrusted: await issue(stranger, -dayMs, 29 * dayMs),
    // An address that belongs to nobody (RFC 5737), and a name that never will (RFC 2606).
    misnamed: await issue(trusted, -dayMs, 29 * dayMs, { addresses: ['192.0.2.1'], hostnames: ['elsewhere.invalid'] }),
  };
}
