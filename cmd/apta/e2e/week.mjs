// Two editors make an issue: what came in, its words and order, what readers will
// see, what one does while the other is at it, and a test that arrives.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { check, launch, letter, open, site } from './browser.mjs';

const path = `/desk/issues/${process.env.APTA_ISSUE}`, at = site + path;
const pictures = process.env.APTA_PICTURES;
const words = Object.fromEntries(['en', 'ru', 'kk'].map((tag) => [tag, JSON.parse(readFileSync(new URL(`../../../templates/locales/desk/week.${tag}.json`, import.meta.url), 'utf8'))]));
const w = words.en;
const wide = { viewport: { width: 1500, height: 950 }, locale: 'en' };
const narrow = { viewport: { width: 360, height: 780 }, locale: 'en', hasTouch: true, isMobile: true };
const browser = await launch();

async function signIn(name, options, where = at) {
  const page = await open(browser, options);
  await page.goto(where);
  await page.fill('#email', `${name}@quaypost.example`);
  await page.fill('#password', process.env.APTA_PHRASE);
  await page.press('#password', 'Enter');
  await page.waitForURL(where, { timeout: 20_000 }).catch(async () => assert.fail(`${page.url()}: ${await page.locator('body').innerText()}`));
  return page;
}

// look checks a page and keeps a picture of the screen as it is seen.
async function look(page, name) {
  await check(page, name);
  if (!pictures) return;
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${pictures}/seen-${name}-${colorScheme}.png` });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

const revision = async (page) => Number(await page.getAttribute('#issue', 'data-revision'));
// until asks a page again and again: the desk's policy forbids what waitForFunction does.
async function until(page, ask, argument) {
  for (const began = Date.now(); Date.now() - began < 15_000;) {
    if (await page.evaluate(ask, argument)) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  assert.fail(`${ask} of ${argument} did not come true: ${await page.evaluate(() => JSON.stringify([document.querySelector('#issue')?.dataset.revision, [...document.querySelectorAll('form.dirty')].map((f) => f.id), { ...localStorage }, document.querySelector('.notice')?.textContent, document.querySelector('.strand')?.textContent, [...document.querySelectorAll('#issue > .problem, .conflict')].map((p) => p.textContent), document.activeElement.outerHTML.slice(0, 100)]))} ${page.faults}`);
}
const reaches = (page, n) => until(page, (wanted) => Number(document.querySelector('#issue').dataset.revision) >= wanted, n);
const glass = (page) => page.frameLocator('#glass');
const shows = (page, text) => glass(page).locator('body').filter({ hasText: text }).waitFor({ timeout: 15_000 });
const first = '.strand >> nth=0 >> .piece >> nth=0';

// openPiece opens the form of a paragraph's piece and gives it.
async function openPiece(page, selector) {
  const id = await page.locator(selector).getAttribute('data-id');
  if (await page.locator(`#p-${id}.open`).count() === 0) await page.locator(`#p-${id} .said`).click();
  await page.locator(`#p-${id}.open textarea`).waitFor();
  return page.locator(`#p-${id} form`);
}

async function closePiece(page) {
  await page.locator('.piece.open a.close').click();
  await page.locator('.piece.open').waitFor({ state: 'detached' });
}

const lena = await signIn('lena', wide);
const timur = await signIn('timur', wide);
await lena.getByText('Timur Akhmetov is here too').waitFor();
await shows(lena, 'an anchor that nobody claims');
await look(lena, 'week-wide');

// Keys alone: go through the inbox, take a headline into the review, undo that.
await lena.keyboard.press('j');
await lena.keyboard.press('j');
await lena.keyboard.press('k');
const headline = await lena.evaluate(() => document.activeElement.closest('.item').dataset.id);
await lena.keyboard.press('Enter');
await lena.keyboard.press('x');
assert.equal(await lena.locator(`#i-${headline} input`).isChecked(), true);
await lena.keyboard.press('x');
await lena.keyboard.press('t');
await reaches(lena, 2);
assert.equal(await lena.locator(`#h-${headline}`).count(), 0, 'the headline is still on the list');
await reaches(timur, 2); // who sees it without asking
await timur.getByText('Lena Sørum took out').waitFor();
await lena.locator('body').press('Control+z');
await reaches(lena, 3);
await lena.locator(`#h-${headline}`).waitFor();
await lena.getByRole('button', { name: w.week_redo }).waitFor();
await reaches(timur, 3);

// Words are edited in place; the preview follows while they are typed.
const form = await openPiece(lena, first);
await form.locator('textarea').fill('The dredger *Halcyon* began on the east channel, and struck an organ pipe.');
const typed = Date.now();
await shows(lena, 'struck an organ pipe');
const took = Date.now() - typed;
await look(lena, 'week-open-wide');
await lena.locator('.piece.open textarea').press('Control+Enter');
await reaches(lena, 4);
await reaches(timur, 4);
await timur.locator('.said', { hasText: 'struck an organ pipe' }).waitFor();
await shows(timur, 'struck an organ pipe');

// Different parts at once: both stand.
await timur.fill('#w-standfirst', 'What the tide brought in.');
await lena.fill('#w-title', 'An Anchor That Nobody Claims');
await lena.locator('#words button[type=submit]').click();
await reaches(lena, 5);
await timur.getByRole('alert').getByText('Lena Sørum changed the title').waitFor();
await timur.locator('#words button[type=submit]').dblclick(); // and a double click is one
await reaches(timur, 6);
await reaches(lena, 6);
for (const page of [lena, timur]) {
  assert.equal(await page.inputValue('#w-title'), 'An Anchor That Nobody Claims');
  assert.equal(await page.inputValue('#w-standfirst'), 'What the tide brought in.');
  assert.equal(await revision(page), 6);
}

// The same words at once: the second is shown both, and decides.
const his = await openPiece(timur, first);
const hers = await openPiece(lena, first);
await his.locator('textarea').fill('His words about the dredger.');
await hers.locator('textarea').fill('Her words about the dredger.');
await hers.locator('button[type=submit]').first().click();
await reaches(lena, 7);
await his.locator('button[type=submit]').first().click();
await timur.locator('.conflict').waitFor();
assert.equal(await timur.locator('.theirs').innerText(), 'Her words about the dredger.');
assert.equal(await timur.locator('.conflict textarea').inputValue(), 'His words about the dredger.');
await look(timur, 'week-conflict');
await timur.locator('.conflict textarea').fill('Their words about the dredger.');
await timur.getByRole('button', { name: w.week_keep_mine }).click();
await reaches(timur, 8);
await timur.locator('.conflict').waitFor({ state: 'detached' });
await reaches(lena, 8);
await lena.locator('.said', { hasText: 'Their words about the dredger.' }).waitFor();

// A strand is dragged below the next one, by mouse; and moved back by a button.
const names = (page) => page.locator('.strand').evaluateAll((list) => list.map((s) => s.dataset.strand));
const [one, two] = await names(lena);
await lena.evaluate(() => document.querySelector('.strand').scrollIntoView({ block: 'start' }));
const grip = await lena.locator('.grip').first().boundingBox(), below = await lena.locator('.strand').nth(1).boundingBox();
await lena.mouse.move(grip.x + 6, grip.y + 6);
await lena.mouse.down();
await lena.mouse.move(grip.x + 6, grip.y + 40, { steps: 4 });
await lena.mouse.move(grip.x + 6, below.y + below.height - 10, { steps: 12 });
await lena.waitForTimeout(300);
await lena.mouse.up();
await reaches(lena, 9);
assert.deepEqual((await names(lena)).slice(0, 2), [two, one], 'the strand was not dragged');
await lena.getByRole('button', { name: w.week_strand_up.replace('{name}', one), exact: true }).focus();
await lena.keyboard.press('Enter');
await reaches(lena, 10);
assert.deepEqual((await names(lena)).slice(0, 2), [one, two]);

// The preview in each of its modes, light and dark.
for (const [kind, text] of [['phone', 'Their words about'], ['text', 'Their words about'], ['inbox', 'An Anchor That Nobody Claims'], ['page', 'Their words about'], ['mail', 'Their words about']]) {
  await lena.locator(`#preview a[data-kind=${kind}]`).click();
  for (const scheme of ['dark', 'light']) {
    await lena.locator(`#preview a[data-scheme=${scheme}]`).click();
    await until(lena, ([k, s]) => document.querySelector('#glass').contentDocument?.URL.includes(`/${k}?scheme=${s}`), [kind, scheme]);
    await shows(lena, text);
    const luminance = await lena.evaluate(() => {
      const doc = document.querySelector('#glass').contentDocument;
      for (const el of [doc.body, doc.documentElement, ...doc.body.querySelectorAll('table, td, div')]) {
        const color = doc.defaultView.getComputedStyle(el).backgroundColor.match(/[\d.]+/g).map(Number);
        if (color.length < 4 || color[3] > 0) return (color[0] + color[1] + color[2]) / 765;
      }
      return 1;
    });
    assert.ok(scheme === 'dark' ? luminance < 0.4 : luminance > 0.6, `${kind} in ${scheme} has a ground of ${luminance}`);
    if (pictures) await lena.screenshot({ path: `${pictures}/preview-${kind}-${scheme}.png` });
  }
}

// What a summary says is words, whatever it is made of (F3).
await openPiece(lena, first);
await lena.locator('.piece.open textarea').fill('Hello <img src=x onerror="top.pwned=1"><script>top.pwned=1</script> [there](javascript:top.pwned=1) <b onclick="top.pwned=1">bold</b>');
await shows(lena, 'Hello');
const inside = await lena.evaluate(() => [...document.querySelector('#glass').contentDocument.querySelectorAll('script, [onclick], [onerror], a[href^="javascript"]')].length);
assert.equal(inside, 0);
assert.equal(await lena.evaluate(() => window.pwned), undefined);
await closePiece(lena);

// Two megabytes from a word processor become a sentence.
const word = '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>' + '@list l0 { mso-list-id: 1; }\n'.repeat(70_000) + '</style></head><body><!--StartFragment--><p class=MsoNormal><b style="mso-bidi-font-weight:normal">Bold</b> and <i>leaning</i> words<o:p></o:p><script>top.pwned=1</script></p><!--EndFragment--></body></html>';
await openPiece(lena, first);
await lena.locator('.piece.open textarea').evaluate((area, html) => {
  const data = new DataTransfer();
  data.setData('text/html', html);
  data.setData('text/plain', 'Bold and leaning words');
  area.value = '';
  area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}, word);
await until(lena, () => document.querySelector('.piece.open textarea').value === '**Bold** and *leaning* words');
await closePiece(lena);

// A connection that is lost: the words stay, and are sent when it is back.
await openPiece(lena, first);
await lena.locator('.piece.open textarea').fill('Written on a train, in a tunnel.');
await lena.context().setOffline(true);
await lena.locator('.piece.open button[type=submit]').first().click();
await lena.getByRole('alert').waitFor();
assert.equal(await lena.locator('.piece.open textarea').inputValue(), 'Written on a train, in a tunnel.');
await lena.context().setOffline(false);
await reaches(lena, 11);
await lena.locator('.said', { hasText: 'Written on a train' }).waitFor();

// A page that is closed in mid-edit: the words are offered when it is opened again.
await openPiece(lena, first);
await lena.locator('.piece.open textarea').fill('Half a thou');
const reopened = `${at}?open=${await lena.locator('.piece.open').getAttribute('data-id')}`;
await lena.goto(reopened);
await lena.getByText(w.week_kept).waitFor();
await lena.getByRole('button', { name: w.week_put_back }).click();
assert.equal(await lena.locator('.piece.open textarea').inputValue(), 'Half a thou');

// A session that ends: signing in elsewhere is enough to go on.
await lena.context().clearCookies();
await lena.locator('.piece.open button[type=submit]').first().click();
const again = lena.getByRole('alert').getByRole('link');
await again.waitFor();
assert.equal(await lena.locator('.piece.open textarea').inputValue(), 'Half a thou');
const [door] = await Promise.all([lena.context().waitForEvent('page'), again.click()]);
await door.fill('#email', 'lena@quaypost.example');
await door.fill('#password', process.env.APTA_PHRASE);
await door.press('#password', 'Enter');
await door.waitForURL(/\/desk\/$/);
await door.close();
await lena.locator('.piece.open textarea').fill('Half a thought.');
await lena.locator('.piece.open button[type=submit]').first().click();
await reaches(lena, 12);

lena.faults.length = 0; // the browser says in its console that it was offline and signed out

// Assembling again keeps what editors made.
await lena.getByRole('button', { name: w.week_assemble, exact: true }).click();
await lena.waitForTimeout(500);
assert.equal(await lena.inputValue('#w-title'), 'An Anchor That Nobody Claims');
await until(lena, () => [...document.querySelectorAll('.strand')].some((s) => s.textContent.includes('Half a thought')));

// A test arrives, of one topic, in plain text, and says that it is one.
await lena.locator('#test summary').click();
await lena.fill('#test-email', 'reader@quaypost.example');
await lena.selectOption('#test-format', 'text');
await lena.getByLabel('Schools', { exact: true }).check();
await lena.getByRole('button', { name: w.week_test_send }).click();
await lena.getByText(w.week_test_sent.replace('{to}', 'reader@quaypost.example')).waitFor();
const test = await letter('reader@quaypost.example', 1);
assert.match(test.subject, /^\[Test\] An Anchor/);
assert.equal(test['text/html'], undefined);
assert.match(test['text/plain'], /school/i);
assert.doesNotMatch(test['text/plain'], /dredger/);

await lena.goto(`${at}/history`);
await lena.getByText('Timur Akhmetov').first().waitFor();
await look(lena, 'week-history');

// Without JavaScript it is forms.
const plain = await signIn('timur', { ...wide, javaScriptEnabled: false });
await plain.locator(`${first} >> .said`).click();
await plain.locator('.piece.open textarea').fill('By forms alone.');
await plain.locator('.piece.open button[type=submit]').first().click();
await plain.waitForURL(/#p-/);
await plain.locator('.said', { hasText: 'By forms alone.' }).waitFor();
await plain.fill('#q', 'halcyon');
await plain.press('#q', 'Enter');
await plain.waitForURL(/words=halcyon/);
assert.equal(await plain.locator('.rows .item').count(), 1);
await plain.context().close();

// On a phone, and in the other languages.
const phone = await signIn('timur', narrow);
await look(phone, 'week-narrow');
await phone.context().close();
for (const tag of ['ru', 'kk']) {
  for (const [screen, options] of [['wide', wide], ['narrow', narrow]]) {
    const page = await signIn('timur', { ...options, locale: tag });
    assert.equal(await page.getAttribute('html', 'lang'), tag);
    await openPiece(page, first);
    await look(page, `week-${tag}-${screen}`);
    await page.context().close();
  }
}
for (const page of [timur]) assert.deepEqual(page.faults, []);
await browser.close();
console.log(`the preview showed what was typed ${took} ms later`);
