import { describe, expect, it } from 'vitest';
import wrongCertificate from '../../src/fault/wrong-certificate.ts';
import { paperCluster, planned, scriptOf } from './planned.ts';

const overTls = { 'tls-cluster': 'yes' };

describe('wrong-certificate', () => {
  it('needs TLS, and an engine whose client can get back in', () => {
    expect(() => planned(wrongCertificate('node-1'), paperCluster('redis', '7.0.15', {}))).toThrow(/tls: true/);
    expect(() => planned(wrongCertificate('node-1'), paperCluster('redis', '6.0.16', overTls))).toThrow(/7.0 or later/);
    expect(planned(wrongCertificate('node-1'), paperCluster('valkey', '8.1.1', overTls))).toMatchObject({ which: 'expired' });
  });
  it('changes the certificate alone, for the key is the same', () => {
    const fault = wrongCertificate('node-4', { which: 'untrusted' });
    const script = scriptOf(fault.actions(planned(fault, paperCluster('redis', '7.0.15', overTls)), 't')[0]?.do);
    expect(script).toContain("CONFIG SET tls-cert-file '/data/tls/untrusted.pem'");
    expect(script).not.toContain('tls-key-file');
  });
  it('bites when a client that checks is refused', async () => {
    const fault = wrongCertificate('node-4');
    const look = (output: string) =>
      fault.effect(planned(fault, paperCluster('redis', '7.0.15', overTls)), 't', { read: async () => ({ exitCode: 0, output }) } as never);
    expect(await look('PONG')).toMatchObject({ bites: false });
    expect(await look('SSL_connect failed: certificate verify failed')).toMatchObject({ bites: true });
  });
});
