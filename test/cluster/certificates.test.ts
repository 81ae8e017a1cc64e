import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeCertificates } from '../../src/cluster/certificates.ts';

describe('the certificates of a cluster', () => {
  it('are good, expired or untrusted, each for that reason alone', async () => {
    const made = await makeCertificates(['10.0.0.11', '10.0.0.12'], ['node-1']);
    const [authority, good, expired, untrusted] = [made.authority, made.good, made.expired, made.untrusted].map(
      (pem) => new X509Certificate(pem),
    ) as [X509Certificate, X509Certificate, X509Certificate, X509Certificate];
    const inTime = ({ validFromDate, validToDate }: X509Certificate): boolean =>
      validFromDate.getTime() < Date.now() && Date.now() < validToDate.getTime();
    expect(authority.ca).toBe(true);
    expect([authority, good, expired, untrusted].map(inTime)).toEqual([true, true, false, true]);
    expect([good, expired, untrusted].map((certificate) => certificate.verify(authority.publicKey))).toEqual([true, true, false]);
    const key = createPrivateKey(made.key);
    for (const certificate of [good, expired, untrusted]) {
      expect(certificate.checkPrivateKey(key)).toBe(true);
      expect(certificate.checkIP('10.0.0.12')).toBe('10.0.0.12');
      expect(certificate.checkHost('node-1')).toBe('node-1');
      expect(certificate.ca).toBe(false);
    }
  });
  it('have one that follows the good one', async () => {
    const made = await makeCertificates(['10.0.0.11'], ['node-1']);
    const [good, renewed] = [new X509Certificate(made.good), new X509Certificate(made.renewed)];
    expect(renewed.verify(new X509Certificate(made.authority).publicKey)).toBe(true);
    expect(renewed.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
    expect(renewed.serialNumber).not.toBe(good.serialNumber);
  });
  it('have one of the same authority for somebody else', async () => {
    const made = await makeCertificates(['10.0.0.11'], ['node-1']);
    const misnamed = new X509Certificate(made.misnamed);
    expect(misnamed.verify(new X509Certificate(made.authority).publicKey)).toBe(true);
    expect(misnamed.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
    expect([misnamed.checkIP('10.0.0.11'), misnamed.checkHost('node-1'), misnamed.checkIP('127.0.0.1')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
