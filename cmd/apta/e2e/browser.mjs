// What the scripts share: Debian's Chromium, the letters, and what is asked of
// every page.
import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

export const site = process.env.APTA_SITE;
const witness = process.env.APTA_WITNESS;
const pictures = process.env.APTA_PICTURES; // a folder, for those who want to look
const docs = process.env.APTA_DOCS; // a folder for the pictures of the documentation
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// open gives a page that fails the test when it asks another host for anything
// or says something in the console.
export async function open(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.faults = [];
  page.on('request', (r) => { if (!r.url().startsWith(site)) page.faults.push(`asks ${r.url()}`); });
  page.on('console', (m) => { if (m.type() === 'error' && !/status of 4\d\d/.test(m.text())) page.faults.push(m.text()); });
  page.on('pageerror', (e) => page.faults.push(String(e)));
  return page;
}

// check holds a page to WCAG 2.2 AA, light and dark, and to its width.
export async function check(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `${name}, ${colorScheme}`);
    if (pictures) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: `${pictures}/${name}-${colorScheme}.png`, fullPage: true });
    }
  }
  for (const colorScheme of docs ? ['dark', 'light'] : []) {
    mkdirSync(docs, { recursive: true });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${docs}/${name.replace(/^desk-/, '')}${colorScheme === 'dark' ? '-dark' : ''}.png` });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  const [inner, width] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
  assert.ok(width <= inner, `${name}: ${width} px wide on a screen of ${inner}`);
  assert.deepEqual(page.faults, [], name);
}

const get = async (path) => (await fetch(witness + path)).json();
export const reader = (email) => get(`/reader?email=${encodeURIComponent(email)}`);

// letter waits until an address has so many and gives the last, with its link.
export async function letter(to, count) {
  const began = Date.now();
  while (Date.now() - began < 20_000) {
    const list = await get(`/letters?to=${encodeURIComponent(to)}`);
    if (list.length >= count) {
      const last = list[count - 1];
      last.link = last['text/plain'].match(new RegExp(`${site}/[a-z]/\\S+`))[0];
      last.waited = Date.now() - began;
      return last;
    }
    await new Promise((next) => setTimeout(next, 50));
  }
  assert.fail(`${to} has not got ${count} letters`);
}
