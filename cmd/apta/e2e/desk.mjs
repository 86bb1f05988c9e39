// A newsroom at its desk: the first owner, an invitation, feeds, the week, its way
// to the readers, and the numbers after it. Every page is held to WCAG 2.2 AA, wide
// and narrow, light and dark.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { check, launch, open, site } from './browser.mjs';

const witness = process.env.APTA_WITNESS;
const words = Object.fromEntries(['en', 'ru', 'kk'].map((tag) => [tag, { ...JSON.parse(readFileSync(new URL(`../../../templates/locales/${tag}.json`, import.meta.url))), ...JSON.parse(readFileSync(new URL(`../../../templates/locales/desk/desk.${tag}.json`, import.meta.url))) }]));
const w = words.en;
const wide = { viewport: { width: 1280, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/Berlin' };
const narrow = { viewport: { width: 360, height: 740 }, locale: 'en-GB', timezoneId: 'Asia/Almaty', hasTouch: true, isMobile: true };
const press = (page, name) => page.getByRole('button', { name, exact: true }).first().click();
const done = (page, key) => page.getByText(w[`done_${key}`], { exact: true }).waitFor();
// until asks a page again and again, from outside: its policy forbids the evaluation
// of texts that Playwright's own waiting needs.
async function until(page, what, argument, timeout = 60_000) {
  for (const began = Date.now(); Date.now() - began < timeout; await page.waitForTimeout(100)) {
    if (await page.evaluate(what, argument).catch(() => false)) return;
  }
  assert.fail(`${page.url()} never came to ${what}: ${await page.locator('main').innerText()}`);
}
const get = async (path) => (await fetch(witness + path)).json();

// mailed waits for a mail and gives the link in it.
async function mailed(to, count) {
  for (let tries = 0; tries < 200; tries++) {
    const list = await get(`/letters?to=${encodeURIComponent(to)}`);
    if (list.length >= count) return list[count - 1]['text/plain'].match(new RegExp(`${site}/desk/\\S+`))[0];
    await new Promise((next) => setTimeout(next, 100));
  }
  assert.fail(`${to} has not got ${count} mails`);
}

const browser = await launch();
const owner = await open(browser, wide);

// The first owner.
await owner.goto(`${site}/desk/`);
await check(owner, 'desk-signin');
await owner.goto(`${site}/desk/first/${process.env.APTA_FIRST}`);
await check(owner, 'desk-first');
await owner.fill('#name', 'Marit Olsen');
await owner.fill('#email', 'marit@quaypost.example');
await owner.fill('#password', 'short');
await press(owner, w.go_in);
await owner.getByText(w.error_short).waitFor();
await owner.fill('#password', 'dredger gravel anchor bicycle');
await press(owner, w.go_in);
await owner.getByRole('heading', { level: 1, name: w.issues }).waitFor();

// A publisher is invited by mail and comes in on a phone.
await owner.goto(`${site}/desk/people`);
await owner.fill('#name', 'Tomas Reiter');
await owner.fill('#email', 'tomas@quaypost.example');
await owner.selectOption('#role', 'publisher');
await press(owner, w.invite);
await done(owner, 'invited');
await check(owner, 'desk-people');
const phone = await open(browser, narrow);
await phone.goto(await mailed('tomas@quaypost.example', 1));
await check(phone, 'desk-invited-narrow');
await press(phone, w.go_in);
await phone.getByRole('heading', { level: 1, name: w.issues }).waitFor();

// Signed out, and in again by a mailed link; a stranger's browser gets nothing by it.
await phone.locator('details.me summary').click();
await press(phone, w.signout);
await phone.fill('#mail', 'tomas@quaypost.example');
await press(phone, w.by_mail_button);
await phone.getByRole('heading', { name: w.sent_link_title }).waitFor();
await check(phone, 'desk-sent-narrow');
const link = await mailed('tomas@quaypost.example', 2);
const stranger = await open(browser, wide);
await stranger.goto(link);
await press(stranger, w.signin);
await stranger.getByRole('heading', { name: w.fail_link }).waitFor();
await check(stranger, 'desk-refused');
await phone.goto(link);
await check(phone, 'desk-link-narrow');
await press(phone, w.signin);
await phone.getByRole('heading', { level: 1, name: w.issues }).waitFor();

// A feed, by the keyboard alone.
await owner.goto(`${site}/desk/feeds`);
await owner.focus('#url');
await owner.keyboard.type(`${witness}/rss`);
await owner.keyboard.press('Tab');
await owner.keyboard.type('Culture');
await owner.keyboard.press('Enter');
await done(owner, 'feed');
await press(owner, w.feed_poll);
await done(owner, 'polled');
assert.match(await owner.locator('.list').innerText(), /The Lantern/);
await check(owner, 'desk-feeds');

// A page that somebody reads is added in two clicks; the first one stores nothing.
await owner.goto(`${site}/desk/add?url=${encodeURIComponent(`${witness}/page?utm_source=x`)}&title=Keeper`);
assert.equal(await owner.inputValue('#title'), 'Lighthouse keeper retires after forty years');
await check(owner, 'desk-add');
await press(owner, w.add_button);
await done(owner, 'added');

// Readers: what an import would do, then the import, with the file still chosen.
await owner.goto(`${site}/desk/readers/import`);
const list = ['email,name', ...Array.from({ length: 30 }, (_, i) => `new${i}@${['haverhythe', 'lantern', 'oldmill', 'ropewalk'][i % 8] ?? 'tidehouse'}.example,`), 'no address,'].join('\n');
await owner.setInputFiles('#file', { name: 'readers.csv', mimeType: 'text/csv', buffer: Buffer.from(list) });
await press(owner, w.import_try);
await owner.getByRole('heading', { name: w.import_would }).waitFor();
await check(owner, 'desk-import');
await press(owner, w.import_do);
await owner.getByRole('heading', { name: w.import_done }).waitFor();
await owner.goto(`${site}/desk/readers`);
await check(owner, 'desk-readers');
await owner.fill('#q', 'new1@');
await owner.keyboard.press('Enter');
await owner.getByRole('link', { name: 'new1@lantern.example' }).click();
await owner.getByText(w.consent_intact).waitFor();
await check(owner, 'desk-reader');

// The week is assembled; the publisher sees it on the phone.
const { last, coming } = await get('/assemble');
await phone.goto(`${site}/desk/`);
await check(phone, 'desk-overview-narrow');
await owner.goto(`${site}/desk/`);
await check(owner, 'desk-overview-drafts');

// That of the coming slot cools off until then; it can be pulled back.
await phone.goto(`${site}/desk/issues/${coming}`);
await press(phone, w.act_approve);
await phone.getByRole('button', { name: w['act_pull-back'] }).waitFor();
await until(phone, () => /\d:\d\d/.test(document.querySelector('.left')?.textContent));
await check(phone, 'desk-cool-narrow');
await phone.goto(`${site}/desk/`);
await check(phone, 'desk-overview-approved-narrow');

// The last week's: approved, pulled back, approved and sent, with two clicks at once.
await owner.goto(`${site}/desk/issues/${last}`);
await press(owner, w.act_approve);
await press(owner, w['act_pull-back']);
await owner.getByRole('button', { name: w.act_approve }).waitFor();
await check(owner, 'desk-line-draft');
await press(owner, w.act_approve);
owner.on('dialog', (d) => d.accept());
await owner.getByRole('button', { name: w.act_send }).dblclick();
await owner.locator('[data-live]').waitFor();
await until(owner, () => Number(document.querySelector('ul.sums b')?.textContent) > 10);
await check(owner, 'desk-line-sending');
await press(owner, w.act_pause);
await owner.getByRole('button', { name: w.act_resume }).waitFor();
await check(owner, 'desk-line-paused');
await press(owner, w.act_resume);
await owner.locator('[data-live]').waitFor();
await until(owner, () => document.querySelector('.trouble')?.textContent.includes('ropewalk.example'));
await check(owner, 'desk-line-trouble');
await phone.goto(`${site}/desk/issues/${last}`);
await check(phone, 'desk-line-trouble-narrow');
// What was put off waits for hours: the rest is cancelled, and the page says so by itself.
await press(owner, w.act_cancel);
await until(phone, (sent) => document.querySelector('.steps [aria-current]')?.textContent.includes(sent), w.step_sent);
await owner.goto(`${site}/desk/issues/${last}`);
const numbers = await owner.locator('ul.sums li').allInnerTexts();
const count = Object.fromEntries(numbers.map((line) => [line.replace(/[\d\s]+$/, ''), Number(line.match(/\d+$/)?.[0])]));
assert.equal(count[w.count_total], count[w.count_accepted] + count[w.count_deferred] + count[w.count_refused] + count[w.count_doubtful] + count[w.count_skipped], JSON.stringify(count));
assert.ok(count[w.count_refused] > 0 && count[w.count_skipped] > 0 && count[w.count_accepted] > 50, JSON.stringify(count));
await check(owner, 'desk-line-sent');

// Every other page.
for (const [name, path] of Object.entries({ overview: '', calendar: 'calendar', numbers: 'numbers', settings: 'settings', style: 'style', tokens: 'tokens', webhooks: 'webhooks', me: 'me', audit: 'audit', suppressed: 'readers/suppressed', missing: 'nonesuch' })) {
  await owner.setViewportSize(wide.viewport);
  await owner.goto(`${site}/desk/${path}`);
  await check(owner, `desk-${name}`);
  await owner.setViewportSize(narrow.viewport);
  await check(owner, `desk-${name}-narrow`);
}
await owner.setViewportSize(wide.viewport);
await owner.goto(`${site}/desk/settings`);
await press(owner, w.relay_test);
await owner.getByText(w.relay_good).waitFor();
await owner.goto(`${site}/desk/style`);
await owner.fill('#text', `${await owner.inputValue('#text')}\nnonsense = 1\n`);
await press(owner, w.style_save);
await owner.locator('.problem').getByText('nonsense').waitFor();
await check(owner, 'desk-style-wrong');

// Who was signed out meanwhile is asked to sign in and comes back.
await owner.context().clearCookies();
await owner.goto(`${site}/desk/numbers`);
await owner.fill('#email', 'marit@quaypost.example');
await owner.fill('#password', 'dredger gravel anchor bicycle');
await press(owner, w.signin);
await owner.getByRole('heading', { level: 1, name: w.place_numbers }).waitFor();

// The other languages, whose pictures are not kept.
for (const tag of ['ru', 'kk']) {
  await owner.goto(`${site}/desk/me`);
  await owner.selectOption('#language', tag);
  await owner.locator('form[action="/desk/me"] button').click();
  await owner.getByText(words[tag].done_saved, { exact: true }).waitFor();
  for (const path of ['', 'calendar', 'numbers', `issues/${last}`]) {
    await owner.goto(`${site}/desk/${path}`);
    await check(owner, `desk-${path.split('/')[0] || 'overview'}-${tag}`);
    await owner.setViewportSize(narrow.viewport);
    await check(owner, `desk-${path.split('/')[0] || 'overview'}-${tag}-narrow`);
    await owner.setViewportSize(wide.viewport);
  }
}
await browser.close();
