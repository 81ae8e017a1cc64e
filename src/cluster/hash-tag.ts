import { keySlot } from './topology.ts';

/** The first number that falls into the slots, as a hash tag; one in 16384 falls into a given slot. */
export function hashTagIn(slots: readonly (readonly [first: number, last: number])[]): string {
  for (let n = 0; ; n++) if (slots.some(([first, last]) => first <= keySlot(`${n}`) && keySlot(`${n}`) <= last)) return `${n}`;
}
