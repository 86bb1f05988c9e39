// Two editors make an issue: what came in, its words and order, what readers will
// see, what one does while the other is at it, and a test that arrives.
import assert from 'node:assert/strict';
import { check, launch, letter, open, site } from './browser.mjs';

const at = `${site}/desk/issues/${process.env.APTA_ISSUE}`;
const browser = await launch();
const wide = { viewport: { width: 1500, height: 950 }, locale: 'en' };

async function signIn(name, options) {
  const page = await open(browser, options);
  await page.goto(at);
  await page.fill('#email', `${name}@quaypost.example`);
  await page.fill('#password', process.env.APTA_PHRASE);
  await page.press('#password', 'Enter');
  await page.waitForURL(at, { timeout: 10_000 }).catch(async () => assert.fail(`${page.url()}: ${await page.locator('body').innerText()}`));
  return page;
}

const lena = await signIn('lena', wide);
await lena.waitForTimeout(800);
await check(lena, 'week-wide');
await lena.locator('.piece a.said').first().click();
await lena.locator('.piece.open textarea').waitFor();
await check(lena, 'week-open-wide');
const phone = await signIn('timur', { viewport: { width: 390, height: 844 }, locale: 'en', hasTouch: true, isMobile: true });
await phone.waitForTimeout(800);
await check(phone, 'week-narrow');
await browser.close();
