// Fault W1: a mail scanner follows every link of a letter in a real browser, with
// JavaScript, makes up input events, and presses nothing.
import assert from 'node:assert/strict';
import { launch, letter, open, reader, site } from './browser.mjs';

const browser = await launch();
try {
  const email = 'scanned@example.org';
  const page = await open(browser, { locale: 'en' });
  await page.goto(`${site}/subscribe`);
  await page.waitForTimeout(2100);
  await page.fill('#email', email);
  await page.getByRole('button', { name: 'Subscribe' }).click();
  const asked = await letter(email, 1);

  const scan = async (links, wanted) => {
    for (const link of links) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) await fetch(link, { method });
      const page = await open(browser, {});
      await page.goto(link, { waitUntil: 'networkidle' });
      await page.evaluate(() => {
        for (const target of [window, document, document.body, document.querySelector('main')]) {
          for (const name of ['pointermove', 'pointerdown', 'pointerup', 'mousemove']) target.dispatchEvent(new PointerEvent(name, { bubbles: true, clientX: 9, clientY: 9 }));
          target.dispatchEvent(new Event('touchstart', { bubbles: true }));
          target.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));
        }
        scrollTo(0, 500);
      });
      await page.waitForTimeout(1500);
      assert.equal((await reader(email)).subscriber.status, wanted, link);
      await page.context().close();
    }
  };
  const links = (l) => [...new Set((l['text/plain'] + l['text/html']).match(new RegExp(`${site}[^\\s"<>]+`, 'g')))];
  await scan(links(asked), 'pending');

  await page.goto(asked.link);
  await page.getByRole('button').click();
  await page.getByRole('heading', { name: 'You are subscribed' }).waitFor();
  const { unsubscribe } = await reader(email);
  const preferences = await page.getByRole('link', { name: 'Preferences' }).getAttribute('href');
  await scan([asked.link, site + unsubscribe, site + preferences], 'active');
  console.log('a scanner has confirmed nobody and unsubscribed nobody');
} finally {
  await browser.close();
}
