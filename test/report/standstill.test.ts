import { describe, expect, it } from 'vitest';
import type { Service } from '../../src/consistency/service.ts';
import { standstill } from '../../src/report/standstill.ts';

const felt = (together: number, ...alone: readonly number[]): Service =>
  ({
    stall: { ms: together, fromMs: 1_000 },
    clients: alone.map((ms, client) => ({ client, stall: { ms, fromMs: 14_200 } })),
  }) as unknown as Service;

describe('a client that stands still by itself', () => {
  it('is named with its place, from when to when, and with how many others', () => {
    expect(standstill(felt(1_590, 900, 12_000, 11_000, 10_000), { places: ['client-1', 'client-2'] })).toBe(
      'client 1 at client-2 got nothing done for 12.0 s, from 14.2 s to 26.2 s, and 2 of the other 3 for 10.0 s or longer',
    );
    expect(standstill(felt(1_590, 900, 12_000), {})).toBe('client 1 got nothing done for 12.0 s, from 14.2 s to 26.2 s');
  });
  it('is not told where all stand still together', () => expect(standstill(felt(5_000, 5_200, 5_900), {})).toBe(''));
});
