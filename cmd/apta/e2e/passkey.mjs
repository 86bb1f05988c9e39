// A passkey is made, signs its owner in, and is good for nothing once it is removed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { check, launch, open, site } from './browser.mjs';

const w = { ...JSON.parse(readFileSync(new URL('../../../templates/locales/en.json', import.meta.url))), ...JSON.parse(readFileSync(new URL('../../../templates/locales/desk/desk.en.json', import.meta.url))) };
const browser = await launch();
const page = await open(browser, { viewport: { width: 1280, height: 900 }, locale: 'en-GB' });
const devices = await page.context().newCDPSession(page);
await devices.send('WebAuthn.enable');
await devices.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
const press = (name) => page.getByRole('button', { name, exact: true }).first().click();
const leave = async () => { await page.locator('details.me summary').click(); await press(w.signout); await page.getByRole('heading', { name: w.signin_title }).waitFor(); };

await page.goto(`${site}/desk/first/${process.env.APTA_FIRST}`);
await page.fill('#name', 'Marit Olsen');
await page.fill('#email', 'marit@quaypost.example');
await page.fill('#password', 'dredger gravel anchor bicycle');
await press(w.go_in);
await page.goto(`${site}/desk/me`);
await press(w.passkey_make);
await page.getByText(w.done_passkey, { exact: true }).waitFor();
await check(page, 'desk-passkeys');
await leave();
await page.goto(`${site}/desk/numbers`);
await check(page, 'desk-signin-passkey');
await press(w.signin_passkey);
await page.getByRole('heading', { level: 1, name: w.place_numbers }).waitFor();
await page.goto(`${site}/desk/me`);
await page.getByRole('button', { name: w.remove, exact: true }).click();
await page.getByText(w.done_passkey_removed, { exact: true }).waitFor();
await leave();
await press(w.signin_passkey);
await page.getByRole('alert').getByText(w.fail_link).waitFor();
assert.equal(new URL(page.url()).pathname, '/desk/signin');
await browser.close();
