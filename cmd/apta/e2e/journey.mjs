// A reader's whole way in three languages, wide and narrow, with a mouse, a
// finger or the keyboard, and once without JavaScript.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { check, launch, letter, open, reader, site } from './browser.mjs';

const screens = {
  wide: { viewport: { width: 1280, height: 900 } },
  narrow: { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true },
};
const words = Object.fromEntries(['en', 'ru', 'kk'].map((tag) => [tag, JSON.parse(readFileSync(new URL(`../../../templates/locales/${tag}.json`, import.meta.url), 'utf8'))]));

// heading waits for a page, and says which one came instead.
const heading = async (page, text) => {
  const wanted = text.replace('{name}', 'Week in Review');
  try {
    await page.getByRole('heading', { level: 1, name: wanted, exact: true }).waitFor({ timeout: 30_000 });
  } catch {
    assert.fail(`instead of "${wanted}" there is ${page.url()}: ${await page.locator('main').innerText()}`);
  }
};
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

// confirm is a person's first touch, of whichever kind; without JavaScript there is the button.
const confirm = {
  mouse: (page) => page.mouse.move(200, 300),
  finger: (page) => page.touchscreen.tap(160, 500),
  keyboard: (page) => page.keyboard.press('Space'),
  button: (page) => page.locator('main button').click(),
};

async function journey(browser, tag, screen, hand, options = {}) {
  const w = words[tag], name = `${tag}-${screen}${options.javaScriptEnabled === false ? '-plain' : ''}`;
  const page = await open(browser, { ...screens[screen], locale: tag, acceptDownloads: true, ...options });
  const look = options.javaScriptEnabled === false ? async () => {} : (what) => check(page, `${what}-${name}`);
  const old = `old-${name}@example.org`, now = `new-${name}@example.org`;

  // Subscribe: first wrong, then right.
  await page.goto(`${site}/subscribe`);
  assert.equal(await page.locator('html').getAttribute('lang'), tag);
  await look('subscribe');
  await page.fill('#email', 'nobody');
  await press(page, w.subscribe);
  await page.getByText(w.error_email_at).waitFor();
  await look('subscribe-wrong');
  await page.waitForTimeout(options.javaScriptEnabled === false ? 31_000 : 2_100); // without a script there is no work, but time
  await page.fill('#email', old);
  await press(page, w.subscribe);
  await heading(page, w.inbox_title);
  await look('sent');

  // The letter, and the confirmation.
  const asked = await letter(old, 1);
  assert.equal(asked.subject, w.mail_confirm_subject.replace('{name}', 'Week in Review'));
  await page.goto(asked.link);
  await heading(page, w.confirm_title);
  await look('confirm');
  assert.equal((await reader(old)).subscriber.status, 'pending');
  await confirm[hand](page);
  await heading(page, w.confirmed_title);
  assert.equal((await reader(old)).subscriber.status, 'active');
  await look('confirmed');

  // Preferences.
  await page.getByRole('link', { name: w.preferences }).click();
  await heading(page, w.prefs_title);
  await look('preferences');
  const home = page.url();
  await page.getByLabel('Harbour').uncheck();
  await page.getByLabel(w.prefs_text, { exact: true }).check();
  await page.selectOption('#every', '2');
  await press(page, w.save);
  await page.getByRole('status').getByText(w.saved).waitFor();
  const chosen = (await reader(old)).subscriber;
  assert.deepEqual([chosen.topics, chosen.format, chosen.every_weeks], [['Courts', 'Schools', 'War in Ukraine'], 'text', 2]);

  // Pause until a date, and back.
  await page.fill('#until', '2020-01-01');
  await press(page, w.pause_button);
  await page.getByText(w.error_date).waitFor();
  await look('preferences-wrong');
  await page.fill('#until', new Date(Date.now() + 40 * 864e5).toISOString().slice(0, 10));
  await press(page, w.pause_button);
  await page.getByRole('button', { name: w.resume_button }).waitFor();
  assert.equal((await reader(old)).subscriber.status, 'paused');
  await look('preferences-paused');
  await press(page, w.resume_button);
  await page.getByText(w.pause_text).waitFor();

  // A new address, confirmed at both.
  await page.fill('#email', now);
  await press(page, w.address_button);
  await page.getByText(w.address_asked).waitFor();
  await page.goto((await letter(old, 2)).link);
  await look('change-old');
  await press(page, w.change_button);
  await heading(page, w.changed_half_title);
  await page.goto((await letter(now, 1)).link);
  await look('change-new');
  await press(page, w.change_button);
  await heading(page, w.changed_title);
  assert.equal((await reader(now)).subscriber.id, chosen.id);

  // All that is stored, as a file.
  await page.goto(home);
  const [file] = await Promise.all([page.waitForEvent('download'), press(page, w.data_button)]);
  const stored = JSON.parse(readFileSync(await file.path(), 'utf8'));
  assert.equal(stored.subscriber.email, now);
  assert.ok(stored.consents.some((c) => c.wording === w.confirm_button));

  // Leave, and be brought back by the letter.
  await page.getByRole('link', { name: w.unsubscribe, exact: true }).click();
  await heading(page, w.leave_title);
  await look('leave');
  await press(page, w.leave_button);
  await heading(page, w.left_title);
  await look('left');
  assert.equal((await reader(now)).subscriber.status, 'unsubscribed');
  const left = await letter(now, 2);
  assert.equal(left.subject, w.mail_left_subject.replace('{name}', 'Week in Review'));
  await page.goto(left.link);
  await press(page, w.stay_button);
  await heading(page, w.back_title);
  await page.goto(left.link);
  await press(page, w.pause_button);
  await heading(page, w.paused_title);
  await look('paused');

  // Erase: nothing is left, and the link says so.
  await page.goto(home);
  await press(page, w.erase_button);
  await page.getByText(w.erase_unsure).waitFor();
  await page.getByLabel(w.erase_sure).check();
  await press(page, w.erase_button);
  await heading(page, w.erased_title);
  await look('erased');
  assert.equal((await reader(now)).subscriber.email, '');
  await page.goto(home);
  await heading(page, w.expired_title);
  await look('expired');
  await page.goto(`${site}/c/${'A'.repeat(32)}`);
  await heading(page, w.invalid_title);
  await look('invalid');
  assert.deepEqual(page.faults, [], name);
  await page.context().close();
  console.log(`${name}, ${hand}: the first letter came ${asked.waited} ms after the page said so`);
}

const browser = await launch();
try {
  for (const [tag, screen, hand] of [['en', 'wide', 'mouse'], ['en', 'narrow', 'finger'], ['ru', 'wide', 'keyboard'], ['ru', 'narrow', 'finger'], ['kk', 'wide', 'mouse'], ['kk', 'narrow', 'finger']]) {
    await journey(browser, tag, screen, hand);
  }
  await journey(browser, 'en', 'wide', 'button', { javaScriptEnabled: false });
} finally {
  await browser.close();
}
