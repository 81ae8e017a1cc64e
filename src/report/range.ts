const width = 160;

/** The theory as a band and what was measured as a mark in it, on a scale of its own. */
export function range(measuredMs: number | null, [fromMs, toMs]: readonly [number, number]): string {
  const scale = width / (Math.max(toMs, measuredMs ?? 0, 1) * 1.1);
  return `<svg width="${width}" height="16" aria-hidden="true"><rect x="${(fromMs * scale).toFixed(1)}" y="4" width="${((toMs - fromMs) * scale).toFixed(1)}" height="8" class="band"/>${measuredMs === null ? '' : `<rect x="${Math.max(0, measuredMs * scale - 1.5).toFixed(1)}" y="0" width="3" height="16" class="measured"/>`}</svg>`;
}
