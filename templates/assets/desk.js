// What every page of the desk does by itself: times in the reader's own zone, a
// form that is sent once, and a word where nobody is signed in any more or the
// connection is gone. Nothing typed is lost by either: the page stays.
(() => {
  'use strict';
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;

  // A time of another zone than the reader's is told in both.
  const clocks = (root) => {
    for (const t of root.querySelectorAll('time[data-zone]:not([data-told])')) {
      t.dataset.told = '';
      if (t.dataset.zone === own) continue;
      const at = new Date(t.dateTime);
      const show = (zone) => new Intl.DateTimeFormat(document.documentElement.lang, { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: zone }).format(at);
      let there;
      try { there = show(t.dataset.zone); } catch { continue; }
      const here = show(own);
      if (here === there) continue;
      if (t.closest('td')) { t.title = `${here} ${own}`; continue; } // a table is calm
      const also = document.createElement('span');
      also.className = 'also';
      also.textContent = ` (${here} ${own.split('/').pop().replaceAll('_', ' ')})`;
      t.after(also);
    }
  };

  // notice says something at the foot of the page until it is over.
  let shown = null;
  const notice = (text, link) => {
    shown?.remove();
    shown = null;
    if (!text) return;
    shown = document.createElement('div');
    shown.className = 'notice';
    shown.setAttribute('role', 'alert');
    const p = document.createElement('p');
    p.textContent = text;
    shown.append(p);
    if (link) shown.append(link);
    document.body.append(shown);
  };
  const signedOut = () => {
    const a = document.createElement('a');
    a.href = '/desk/signin';
    a.target = '_blank';
    a.textContent = document.body.dataset.signin;
    notice(document.body.dataset.signedOut, a);
  };

  document.addEventListener('htmx:responseError', (e) => { if (e.detail.xhr.status === 401) signedOut(); });
  document.addEventListener('htmx:sendError', () => notice(document.body.dataset.offline));
  document.addEventListener('htmx:afterRequest', (e) => { if (e.detail.successful) notice(''); });
  document.addEventListener('htmx:afterSwap', (e) => clocks(e.detail.elt.getRootNode()));

  // A second click on a button is not a second request.
  document.addEventListener('submit', (e) => {
    const form = e.target;
    if (form.method !== 'post' || form.hasAttribute('hx-post')) return;
    if (form.dataset.sure && !form.dataset.asked && !window.confirm(form.dataset.sure)) { e.preventDefault(); return; }
    if (form.getAttribute('aria-busy') === 'true') { e.preventDefault(); return; }
    // What is approved is what the screen shows now, which may be younger than the line.
    const shown = document.querySelector('[data-revision]')?.dataset.revision;
    if (shown && form.closest('.way') && form.elements.revision) form.elements.revision.value = shown;
    form.setAttribute('aria-busy', 'true');
  });
  window.addEventListener('pageshow', () => { for (const f of document.querySelectorAll('form[aria-busy]')) f.removeAttribute('aria-busy'); });

  // One menu is open at a time, and Escape closes it.
  document.addEventListener('click', (e) => { for (const d of document.querySelectorAll('details.me[open]')) if (!d.contains(e.target)) d.open = false; });
  document.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape') return;
    for (const d of document.querySelectorAll('details.me[open]')) { d.open = false; d.querySelector('summary').focus(); }
  });

  // Count-downs.
  const left = () => {
    for (const e of document.querySelectorAll('[data-until]')) {
      const s = Math.max(0, Math.round((new Date(e.dataset.until) - Date.now()) / 1000));
      const two = (n) => String(n).padStart(2, '0');
      const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
      e.textContent = d ? `${d}d ${two(h)}:${two(m)}:${two(s % 60)}` : h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
    }
  };
  setInterval(left, 1000);

  // A line that changes by itself: its numbers as they come, and the whole of it,
  // with its buttons, where the issue stands elsewhere.
  let stream = null;
  const listen = () => {
    stream?.close();
    stream = null;
    const line = document.querySelector('[data-live]');
    if (!line) return;
    stream = new EventSource(line.dataset.live);
    const fill = (e) => {
      const part = line.querySelector('[data-part=live]');
      const open = part.querySelector('details')?.open;
      part.innerHTML = e.data;
      if (open && part.querySelector('details')) part.querySelector('details').open = true;
      clocks(part);
    };
    stream.addEventListener('line', fill);
    stream.addEventListener('turn', async (e) => {
      fill(e);
      const answer = await fetch(line.dataset.again, { headers: { 'HX-Request': 'true' } });
      if (answer.status === 401) { signedOut(); return; }
      if (!answer.ok) return;
      const whole = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('.way');
      line.replaceWith(whole);
      clocks(whole);
      left();
      listen();
    });
  };
  left();
  listen();

  window.desk = { clocks, notice, signedOut };
  clocks(document);
})();
