// Signing in by a passkey, and making one. Where the browser has none the buttons
// stay hidden; everything else works without them.
(() => {
  'use strict';
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON || !navigator.credentials) return;
  const post = async (path, body) => {
    const answer = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json', 'HX-Request': 'true' }, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('h1')?.textContent || String(answer.status));
    return answer.json();
  };
  for (const button of document.querySelectorAll('[data-passkey]')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      button.disabled = true;
      try {
        let next;
        if (button.dataset.passkey === 'make') {
          const { publicKey } = await post('/desk/me/passkey/begin');
          const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) });
          ({ next } = await post('/desk/me/passkey', made.toJSON()));
        } else {
          const { publicKey } = await post('/desk/passkey/begin');
          const shown = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
          ({ next } = await post(`/desk/passkey?next=${encodeURIComponent(button.dataset.next)}`, shown.toJSON()));
        }
        location.assign(next);
      } catch (e) {
        if (e.name !== 'NotAllowedError' && e.name !== 'AbortError') window.desk.notice(e.message);
      } finally {
        button.disabled = false;
      }
    });
  }
})();
