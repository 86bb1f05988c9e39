// Looks at the public pages of issues as a reader does, in Debian's Chromium: on
// a wide screen and on a narrow one, in light and dark, on paper, by keyboard and
// without JavaScript.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const site = process.env.APTA_SITE;
const language = process.env.APTA_LANGUAGE;
const pictures = process.env.APTA_PICTURES; // a folder, for those who want to look
const { week, year, term, found } = JSON.parse(process.env.APTA_EXPECT);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// open gives a page that keeps in mind when it asks another host for anything or
// complains in the console, as of something that its policy forbids.
async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.faults = [];
  page.on('request', (r) => { if (!r.url().startsWith(site)) page.faults.push(`asks ${r.url()}`); });
  page.on('console', (m) => { if (m.type() === 'error' && !/status of 404/.test(m.text())) page.faults.push(m.text()); });
  page.on('pageerror', (e) => page.faults.push(String(e)));
  return page;
}

const paths = {
  front: '/', issue: `/weekly/${week}`, year: `/weekly/${year}`,
  search: '/weekly/search', found: `/weekly/search?q=${encodeURIComponent(term)}`, none: '/weekly/search?q=%22%26%3C', missing: '/weekly/1999-W01',
};

async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

for (const [width, height] of [[1100, 900], [320, 640]]) {
  for (const [name, path] of Object.entries(paths)) {
    const page = await open({ viewport: { width, height } });
    await page.goto(site + path);
    assert.equal(await page.getAttribute('html', 'lang'), language, path);
    for (const colorScheme of ['light', 'dark']) {
      const shown = `${language}-${name}-${width}-${colorScheme}`;
      await page.emulateMedia({ colorScheme });
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], shown);
      assert.ok(passes.some((p) => p.id === 'color-contrast'), `${shown}: axe saw no words`);
      await picture(page, shown);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${path} is ${wide} px wide on a screen of ${width}`); // WCAG 1.4.10
    assert.deepEqual(page.faults, [], path);
    await page.context().close();
  }
}

// Without JavaScript and by keyboard alone: from the front page to an issue, and
// to what a search finds.
const page = await open({ javaScriptEnabled: false, viewport: { width: 1100, height: 900 } });
await page.goto(site + '/');
await page.keyboard.press('Tab'); // the link that skips to the content
assert.equal(await page.locator(':focus').getAttribute('href'), '#content');
await page.keyboard.press('Tab');
assert.equal(await page.locator(':focus').getAttribute('href'), `${site}/subscribe`);
await page.keyboard.press('Tab');
await page.keyboard.press('Enter');
await page.waitForURL(`${site}/weekly/${week}`);
await page.fill('input[type=search]', term);
await page.keyboard.press('Enter');
await page.waitForURL(/\/weekly\/search\?q=/);
assert.equal(await page.inputValue('input[type=search]'), term);
assert.equal(await page.locator('mark').first().textContent(), found);
await page.locator('ol.issues a').first().click();
await page.waitForURL(`${site}/weekly/${week}`);
await page.emulateMedia({ media: 'print' });
assert.equal(await page.locator('form').first().isVisible(), false, 'a form is printed');
assert.equal(await page.locator('h1').isVisible(), true);
await picture(page, `${language}-print`);
assert.deepEqual(page.faults, []);
await browser.close();
