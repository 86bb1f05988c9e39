// Looks at every mail as a mail program with Chromium's engine shows it, holds it
// to axe-core, to its width and to the stored pictures. So that these are the same
// on every machine, both are shown in the fonts of the archive's own pictures, made
// four times smaller, and compared with patience: what counts is where things are
// and which colour they have, not how a letter's edge is smoothed.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { launch } from './browser.mjs';

const site = process.env.APTA_SITE;
const renew = !!process.env.APTA_GOLDEN_PICTURES;
const look = process.env.APTA_PICTURES; // a folder, for those who want to look
const docs = process.env.APTA_DOCS_PICTURES; // the folder of docs/email.md: its pictures are made and nothing is compared
const inDocs = ['week-en-600-light', 'week-en-600-dark', 'week-kk-320-light', 'week-ru-320-dark', 'week-en-320-light-blocked', 'letter-ru-600-light'];
const stored = new URL('../testdata/mail/', import.meta.url).pathname;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Of a picture, so many of its points may differ by more than this in some colour.
const most = 0.02;
const patience = 48;

const pinned = `
@font-face { font-family: Pinned Serif; src: url(${site}/font/PTSerif-Bold.ttf); }
@font-face { font-family: Pinned Sans; src: url(${site}/font/PTSans-Regular.ttf); }
* { font-family: 'Pinned Sans' !important; font-synthesis: none; }
h1, h2, b { font-family: 'Pinned Serif' !important; }`;

const browser = await launch();
const bench = await (await browser.newContext()).newPage(); // where pictures are made small and compared

// small gives a picture four times smaller.
const small = (png) => bench.evaluate(async (data) => {
  const img = new Image();
  img.src = `data:image/png;base64,${data}`;
  await img.decode();
  const canvas = new OffscreenCanvas(Math.round(img.width / 4), Math.round(img.height / 4));
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(img, 0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp', quality: 0.7 })).arrayBuffer());
  return btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''));
}, png.toString('base64'));

// different gives the share of points in which two small pictures differ, 1 where their heights do.
const different = (a, b) => bench.evaluate(async ([one, two, patience]) => {
  const points = async (data) => {
    const img = new Image();
    img.src = `data:image/webp;base64,${data}`;
    await img.decode();
    const canvas = new OffscreenCanvas(img.width, img.height);
    const pen = canvas.getContext('2d');
    pen.filter = 'blur(1.5px)';
    pen.drawImage(img, 0, 0);
    return pen.getImageData(0, 0, img.width, img.height);
  };
  const [x, y] = [await points(one), await points(two)];
  if (x.width !== y.width || Math.abs(x.height - y.height) > x.height * 0.02) return 1;
  const n = Math.min(x.data.length, y.data.length);
  let off = 0;
  for (let i = 0; i < n; i += 4) {
    if ([0, 1, 2].some((c) => Math.abs(x.data[i + c] - y.data[i + c]) > patience)) off += 1;
  }
  return off / (n / 4);
}, [a, b, patience]);

mkdirSync(stored, { recursive: true });
let compared = 0;
for (const name of ['week-en', 'week-ru', 'week-kk', 'letter-en', 'letter-ru', 'letter-kk']) {
  for (const width of [320, 600, 1024]) {
    for (const colorScheme of ['light', 'dark']) {
      for (const blocked of name.startsWith('week') ? [false, true] : [false]) {
        const shown = `${name}-${width}-${colorScheme}${blocked ? '-blocked' : ''}`;
        if (docs && !inDocs.includes(shown)) continue;
        const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
        const page = await context.newPage();
        const faults = [];
        page.on('console', (m) => { if (m.type() === 'error' && !/ERR_BLOCKED|ERR_FAILED/.test(m.text())) faults.push(m.text()); });
        page.on('request', (r) => { if (!r.url().startsWith(site) && !r.url().startsWith('data:')) faults.push(`asks ${r.url()}`); });
        if (blocked) await page.route('**/images/**', (r) => r.abort());
        await page.goto(`${site}/mail/${name}`);
        await page.evaluate(axe);
        const { violations, passes } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
        assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' ')}`), [], shown);
        assert.ok(passes.some((p) => p.id === 'color-contrast'), `${shown}: axe saw no words`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${shown} is ${wide} px wide`);
        const column = await page.evaluate(() => document.querySelector('.column').getBoundingClientRect().width);
        assert.ok(column <= 600 && column >= Math.min(width - 32, 600), `${shown}: the column has ${column} px`);
        assert.deepEqual(faults, [], shown);
        if (docs) {
          await page.screenshot({ path: `${docs}/${shown}.jpg`, type: 'jpeg', quality: 82 });
          await context.close();
          continue;
        }
        if (look) {
          mkdirSync(look, { recursive: true });
          await page.screenshot({ path: `${look}/${shown}.png`, fullPage: true });
        }
        await page.addStyleTag({ content: pinned });
        await page.evaluate(() => document.fonts.ready);
        const picture = await small(await page.screenshot({ fullPage: true }));
        const file = `${stored}${shown}.webp`;
        if (renew) {
          writeFileSync(file, Buffer.from(picture, 'base64'));
        } else {
          assert.ok(existsSync(file), `${file} is missing (make golden-pictures)`);
          const share = await different(readFileSync(file).toString('base64'), picture);
          assert.ok(share <= most, `${shown} differs from its stored picture in ${(share * 100).toFixed(1)} % (make golden-pictures writes it anew)`);
        }
        compared += 1;
        await context.close();
      }
    }
  }
}
if (docs) process.exit(0);
// The comparison must be able to fail: light is not dark, and a mail not a letter.
const at = (name) => readFileSync(`${stored}${name}.webp`).toString('base64');
assert.ok(await different(at('week-en-600-light'), at('week-en-600-dark')) > 0.5);
assert.ok(await different(at('week-en-600-light'), at('week-en-600-light-blocked')) > most);
await browser.close();
console.log(`${compared} pictures ${renew ? 'written' : 'compared'}`);
