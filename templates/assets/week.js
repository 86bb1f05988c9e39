// The screen of an issue. Everything on it is a form that works by itself; this
// adds the preview while one types, dragging, keys, what others do meanwhile, and
// keeps on this device what is typed until it is saved.
(() => {
  'use strict';
  const week = document.querySelector('.week');
  if (!week) return;
  const at = week.dataset.at;
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const glass = $('#glass');
  const issue = () => $('#issue');
  const revision = () => Number(issue().dataset.revision);

  // What is typed is kept by the name of its form, until the server has it.
  const name = (key) => `apta ${week.dataset.editor} ${at} ${key}`;
  const keep = {
    get(key) { try { return JSON.parse(localStorage.getItem(name(key))); } catch { return null; } },
    set(key, draft) { try { localStorage.setItem(name(key), JSON.stringify(draft)); } catch { /* full, or not allowed */ } },
    drop(key) { try { localStorage.removeItem(name(key)); } catch { /* not allowed */ } },
  };
  const fields = (form) => all('textarea, input:not([type=hidden], [type=checkbox]), select', form).filter((f) => f.name);
  const typed = new Set(); // forms that were typed in since this page was opened
  const read = (form) => ({ revision: form.elements.revision.value, fields: Object.fromEntries(fields(form).map((f) => [f.name, f.value])) });
  const dirty = (form) => fields(form).some((f) => (f.tagName === 'SELECT' ? [...f.options].some((o) => o.selected !== o.defaultSelected && !(f.selectedIndex === 0 && !o.defaultSelected)) : f.value !== f.defaultValue));
  const put = (form, draft) => {
    for (const f of fields(form)) if (f.name in draft.fields) f.value = draft.fields[f.name];
    form.elements.revision.value = draft.revision; // of which the words are
    form.classList.add('dirty');
    all('textarea', form).forEach(grow);
  };

  // restore puts back what is kept. After a swap that is done by itself; when a
  // page is opened it is offered, for it may be days old.
  const restore = (root, fresh) => {
    for (const form of all('form[data-keep]', root)) {
      const key = form.dataset.keep;
      const draft = keep.get(key);
      if (!draft || form.dataset.asked) continue;
      const differs = fields(form).some((f) => f.name in draft.fields && draft.fields[f.name] !== f.value);
      if (!differs) { keep.drop(key); continue; }
      if (!fresh || typed.has(key)) { put(form, draft); continue; }
      form.dataset.asked = '1';
      const p = document.createElement('p');
      p.className = 'kept-text small';
      p.setAttribute('role', 'status');
      p.append(week.dataset.kept, ' ');
      for (const [text, act] of [[week.dataset.putBack, () => put(form, draft)], [week.dataset.drop, () => keep.drop(key)]]) {
        const b = document.createElement('button');
        b.type = 'button';
        b.className = 'link';
        b.textContent = text;
        b.addEventListener('click', () => { act(); p.remove(); preview(form); });
        p.append(b, ' ');
      }
      form.prepend(p);
    }
  };

  const grow = (area) => { area.style.height = 'auto'; area.style.height = `${area.scrollHeight + 2}px`; };

  // The preview follows what is typed: other words are put into the frame, which
  // runs nothing and is not loaded anew, so that it stays where one reads.
  let asking = null, waiting = null;
  const preview = async (form) => {
    if (!glass) return;
    asking?.abort();
    const mine = asking = new AbortController();
    const { kind, scheme } = glass.dataset;
    const body = form ? new URLSearchParams(new FormData(form)) : null;
    body?.set('scheme', scheme);
    try {
      const response = await fetch(`${at}/preview/${kind}?scheme=${scheme}`, { method: form ? 'POST' : 'GET', body, signal: mine.signal, headers: { 'HX-Request': 'true' } });
      if (response.status === 401) window.desk.signedOut();
      if (!response.ok) return;
      const text = await response.text();
      if (mine.signal.aborted) return;
      const doc = glass.contentDocument;
      if (!doc?.documentElement) return;
      const top = doc.scrollingElement?.scrollTop ?? 0;
      // Read by the frame's own document: ours would hold its styles against our policy.
      doc.documentElement.innerHTML = text;
      if (doc.scrollingElement) doc.scrollingElement.scrollTop = top;
      glass.dataset.shown = String(Number(glass.dataset.shown || 0) + 1);
    } catch (e) {
      if (e.name !== 'AbortError') window.desk.notice(document.body.dataset.offline);
    }
  };
  const soon = (form) => {
    if (waiting) { waiting.form = form; return; }
    waiting = { form };
    setTimeout(() => { const { form: last } = waiting; waiting = null; if (last.isConnected) preview(last); }, 40);
  };

  document.addEventListener('input', (e) => {
    const form = e.target.closest('form[data-keep]');
    if (!form) return;
    if (e.target.tagName === 'TEXTAREA') grow(e.target);
    typed.add(form.dataset.keep);
    keep.set(form.dataset.keep, read(form));
    form.classList.add('dirty');
    soon(form);
  });

  // Modes of the preview.
  $('#preview')?.addEventListener('click', (e) => {
    const a = e.target.closest('a[data-kind], a[data-scheme]');
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    for (const key of ['kind', 'scheme']) {
      if (!a.dataset[key]) continue;
      glass.dataset[key] = a.dataset[key];
      all(`a[data-${key}]`, $('#preview')).forEach((other) => other.toggleAttribute('aria-current', false));
      a.setAttribute('aria-current', 'true');
    }
    glass.parentElement.className = `glass ${glass.dataset.kind}`;
    // A frame of its own page, and so with its own policy.
    glass.src = `${at}/preview/${glass.dataset.kind}?scheme=${glass.dataset.scheme}`;
    const open = all('form[data-keep].dirty')[0];
    if (open) glass.addEventListener('load', () => preview(open), { once: true });
  });

  // Words copied from a word processor or a page are cleaned by the server.
  document.addEventListener('paste', async (e) => {
    const area = e.target;
    const html = e.clipboardData?.getData('text/html');
    if (!area.matches?.('textarea.summary') || !html) return;
    e.preventDefault();
    const plain = e.clipboardData.getData('text/plain');
    let text = plain;
    try {
      const response = await fetch('/desk/paste', { method: 'POST', body: html, headers: { 'Content-Type': 'text/html', 'HX-Request': 'true' } });
      if (response.ok) text = await response.text();
    } catch { /* then its plain words */ }
    area.setRangeText(text, area.selectionStart, area.selectionEnd, 'end');
    area.dispatchEvent(new Event('input', { bubbles: true }));
  });

  // What htmx swaps.
  const send = (values) => window.htmx.ajax('POST', `${at}/edit`, { source: '#ops', target: '#issue', swap: 'outerHTML', values: { ...values, revision: revision() } });
  const editors = () => all('.piece form [name=open]').map((i) => `open=${i.value}`);
  const refresh = () => {
    const filter = $('#filter') ? new URLSearchParams(new FormData($('#filter'))) : new URLSearchParams();
    window.htmx.ajax('GET', `${at}/parts?${[filter, ...editors()].join('&')}`, { target: '#issue', swap: 'outerHTML' });
  };
  document.addEventListener('htmx:afterRequest', (e) => {
    const form = e.detail.requestConfig.elt; // detail.elt is what still stands of the page
    const { status } = e.detail.xhr;
    if (status !== 200) return;
    for (const key of [form.dataset?.keep, form.dataset?.settles]) if (key) { keep.drop(key); typed.delete(key); }
    if (form.dataset?.keep) form.classList.remove('dirty');
  });
  document.addEventListener('click', (e) => {
    const drop = e.target.closest('a[data-drop]');
    if (drop) keep.drop(drop.dataset.drop);
    // Closing a form on purpose lets go of what was typed in it.
    const form = e.target.closest('a.close')?.closest('form[data-keep]');
    if (form) { keep.drop(form.dataset.keep); typed.delete(form.dataset.keep); }
  });
  document.addEventListener('htmx:load', (e) => settle(e.detail.elt));
  let drawn = -1;
  const settle = (root) => {
    all('textarea', root).forEach(grow);
    restore(root, false);
    const decide = root.id === 'issue' && $('.conflict', root);
    if (decide) { decide.scrollIntoView({ block: 'start' }); $('textarea, button', decide).focus({ preventScroll: true }); }
    if (root.matches?.('.piece.open')) $('textarea.summary', root)?.focus();
    if (root.id === 'inbox' || root.id === 'issue') again();
    sortable();
    if (root.id === 'issue' && drawn !== revision()) {
      drawn = revision();
      preview(all('form[data-keep].dirty')[0]);
    }
    window.desk.clocks(root);
  };

  // Dragging. The same can be done with the buttons.
  const sortable = () => {
    if (!window.Sortable || !$('#strands') || !$('#ops')) return;
    const options = { animation: 120, forceFallback: true, fallbackTolerance: 4, delay: 150, delayOnTouchOnly: true, filter: 'form, .tools', preventOnFilter: false };
    const make = (el, more) => { if (el && !window.Sortable.get(el)) window.Sortable.create(el, { ...options, ...more }); };
    if (issue().querySelector('textarea[readonly]')) return;
    make($('#strands'), { handle: '.grip', draggable: '.strand', onEnd: ({ item, oldIndex, newIndex }) => {
      if (oldIndex === newIndex) return;
      const next = item.nextElementSibling;
      send({ op: new URLSearchParams({ do: 'movestrand', strand: item.dataset.strand, before: next ? next.dataset.strand : '' }).toString() });
    } });
    for (const pieces of all('.pieces')) {
      make(pieces, { group: 'pieces', draggable: '.piece:not(.open)', onEnd: ({ item, from, to, oldIndex, newIndex }) => {
        if (from === to && oldIndex === newIndex) return;
        const next = item.nextElementSibling;
        send({ op: new URLSearchParams({ do: 'move', piece: item.dataset.id, strand: to.closest('.strand').dataset.strand, before: next ? next.dataset.id : '' }).toString() });
      } });
    }
    make($('#latest'), { draggable: '.headline', onEnd: ({ item, oldIndex, newIndex }) => {
      if (oldIndex === newIndex) return;
      const next = item.nextElementSibling;
      send({ op: new URLSearchParams({ do: 'headline', item: item.dataset.id, before: next ? next.dataset.id : '' }).toString() });
    } });
  };

  // Keys: j and k go through the inbox, Enter opens, x ticks, t takes in or out,
  // / finds, Ctrl+Z undoes where nothing is being typed, Ctrl+Enter saves.
  let row = null; // the item that was last in focus, for when the list is swapped
  const rows = () => all('#inbox [data-row]');
  const again = () => { if (row && document.activeElement === document.body) $(`#i-${row} [data-row]`)?.focus({ preventScroll: true }); };
  document.addEventListener('focusin', (e) => { const li = e.target.closest?.('.inbox .item'); if (li) row = li.dataset.id; });
  document.addEventListener('keydown', (e) => {
    const field = e.target.closest('textarea, input:not([type=checkbox]), select');
    if ((e.ctrlKey || e.metaKey) && e.key === 'Enter' && field?.form?.dataset.keep) { e.preventDefault(); field.form.requestSubmit(); return; }
    if (e.key === 'Escape' && field?.closest('.piece form')) { field.closest('.piece').querySelector('a.close').focus(); return; }
    if (field) return;
    if ((e.ctrlKey || e.metaKey) && !e.altKey && (e.key === 'z' || e.key === 'y' || e.key === 'Z')) {
      const b = $(`[data-key=${e.key === 'z' ? 'z' : 'y'}]`);
      if (b) { e.preventDefault(); b.click(); }
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const list = rows();
    const here = list.indexOf(document.activeElement?.closest('.item')?.querySelector('[data-row]'));
    const item = here >= 0 ? list[here].closest('.item') : null;
    switch (e.key) {
      case 'j': list[Math.min(here + 1, list.length - 1)]?.focus(); break;
      case 'k': list[Math.max(here - 1, 0)]?.focus(); break;
      case 'x': if (!item) return; $('input[type=checkbox]', item)?.click(); break;
      case 't': if (!item) return; $('button.do', item)?.click(); break;
      case '/': $('#q')?.focus(); break;
      default: return;
    }
    e.preventDefault();
  });

  // What others do. A screen on which nothing is being typed shows it at once; the
  // other one says so, and an edit that is sent then is joined with theirs.
  const follow = () => {
    const stream = new EventSource(`${at}/events`);
    stream.onmessage = (e) => {
      const news = JSON.parse(e.data);
      $('.here').textContent = news.here.length ? week.dataset.here.replace('{who}', news.here.join(', ')) : '';
      if (news.revision <= revision() || busy > 0) return;
      if (!all('form[data-keep].dirty').length && !$('.conflict')) { tell(news.said); refresh(); return; }
      const b = document.createElement('button');
      b.type = 'button';
      b.className = 'quiet small';
      b.textContent = week.dataset.show;
      b.addEventListener('click', () => { window.desk.notice(''); refresh(); });
      window.desk.notice(`${week.dataset.changed} ${news.said}`, b);
    };
  };
  let quiet = 0;
  const tell = (text) => {
    const p = $('main > [role=status]');
    p.textContent = text;
    p.hidden = false;
    clearTimeout(quiet);
    quiet = setTimeout(() => { p.hidden = true; }, 8000);
  };
  let busy = 0; // requests of our own whose answer brings the revision
  document.addEventListener('htmx:beforeRequest', () => { busy += 1; });
  document.addEventListener('htmx:afterRequest', () => { busy -= 1; });

  // A connection that was gone: what is kept is sent again when it is back.
  window.addEventListener('online', () => { window.desk.notice(''); const form = all('form[data-keep][data-unsent]')[0]; if (form) form.requestSubmit(); });
  document.addEventListener('htmx:sendError', (e) => { if (e.detail.elt.dataset?.keep) e.detail.elt.dataset.unsent = '1'; });

  document.addEventListener('DOMContentLoaded', () => { drawn = revision(); });
  drawn = revision();
  all('textarea').forEach(grow);
  restore(document, true);
  sortable();
  follow();
})();
