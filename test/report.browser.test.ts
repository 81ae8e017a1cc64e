import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { writeReport } from '../src/report.ts';
import { parted, type Story, stillborn, truncated, wounded } from './report.story.ts';

const found = inject('browser');
/** Where nobody looks at the output, a skipped test must not look like a passed one. */
const mustRun = process.env['CI'] === 'true';

describe.skipIf('missing' in found && !mustRun)('the report in a browser', () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    if ('missing' in found) throw new Error(`expected a browser: ${found.missing}`);
    folder = mkdtempSync(path.join(tmpdir(), 'slotquake-report-'));
    browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
  });
  afterAll(async () => {
    await browser?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a report and hands back the page with everything it complained of or asked for. */
  async function opened(story: Story, width = 1_280): Promise<{ page: Page; complaints: string[]; requests: string[] }> {
    const complaints: string[] = [];
    const requests: string[] = [];
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    const file = pathToFileURL(writeReport(folder, story.timeline, story.consistency, story.judgement)).href;
    page.on('request', (request) => {
      const url = request.url();
      if (url !== file && !url.startsWith('data:')) requests.push(url);
    });
    await page.goto(file);
    return { page, complaints, requests };
  }

  it('shows the verdict, every finding and one lane a node', async () => {
    const story = await wounded();
    const { page } = await opened(story);
    expect(await page.locator('.verdict').innerText()).toMatch(/as expected/i);
    expect(await page.locator('header').innerText()).toContain('exactly the expected symptom');
    const rows = await page.locator('.findings tr').allInnerTexts();
    expect(rows).toHaveLength(story.judgement.findings.length);
    for (const { invariant, finding } of story.judgement.findings)
      expect(rows.some((row) => row.includes(invariant) && row.includes(finding.because))).toBe(true);
    const lanes = await page.locator('.timeline svg .lane').evaluateAll((all) => all.map((lane) => lane.getAttribute('data-node')));
    expect(lanes).toEqual(story.timeline.run.nodes.map(({ name }) => name));
    for (const lane of await page.locator('.timeline svg .lane').all()) expect(await lane.locator('rect').count()).toBeGreaterThan(0);
  });

  it('opens the events where a witness link points', async () => {
    const { page } = await opened(await wounded());
    const link = page.locator('.witnesses a').first();
    const row = page.locator(`id=${(await link.getAttribute('href'))?.slice(1)}`);
    expect(await row.isVisible()).toBe(false);
    await link.click();
    await row.waitFor({ state: 'visible' });
    await page.locator('details summary').click();
    await row.waitFor({ state: 'hidden' });
    await link.click();
    await row.waitFor({ state: 'visible' });
  });

  it('complains of nothing, loads nothing, and runs nothing that a record brought along', async () => {
    const { page, complaints, requests } = await opened(await wounded());
    await page.locator('.witnesses a').first().click();
    expect(complaints).toEqual([]);
    expect(requests).toEqual([]);
    expect(await page.title()).toBe('made-up / wounded: as expected');
    expect(await page.locator('img').count()).toBe(0);
  });

  it('shows what was lost and what clients saw, and runs nothing that a key or a reason brought along', async () => {
    const { page, complaints, requests } = await opened(await parted());
    const figures = await page.locator('.figures > div').allInnerTexts();
    expect(figures.some((text) => /lost[\s\S]*\b6\b[\s\S]*1 outside/.test(text))).toBe(true);
    for (const part of ['Losses beside what the engine documents', 'Split brain', 'Anomalies', 'What applications felt', 'Latency'])
      expect(await page.locator('h3', { hasText: part }).isVisible()).toBe(true);
    expect(await page.locator('[data-node="node-1"] .losses').count()).toBe(2);
    expect(await page.locator('figure svg').count()).toBe(1);
    expect(await page.title()).toBe('made-up / parted: not as expected');
    expect(await page.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([]);
  });

  for (const [what, story] of [
    ['a whole run', wounded],
    ['a run with losses and anomalies of every kind', parted],
    ['an aborted run', () => truncated(900, true)],
    ['a run without nodes', stillborn],
  ] as const) {
    it(`fits a phone with ${what}`, async () => {
      const { page, complaints } = await opened(await story(), 420);
      await page.locator('details summary').click();
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect(overflow).toBe(0);
      expect(complaints).toEqual([]);
    });
  }
});
