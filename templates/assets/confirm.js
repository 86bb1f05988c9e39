// Confirms a subscription at a person's first touch, pointer or key, so that they
// need not look for the button. Programs that only look at the page cause no
// such event, and what they make up themselves is not trusted.
(() => {
  const form = document.getElementById('confirm');
  const silent = new Set(['Control', 'Alt', 'AltGraph', 'Meta', 'Shift', 'Escape', 'Tab']);
  const events = ['pointermove', 'pointerdown', 'touchstart', 'keydown'];
  const submit = (event) => {
    if (!event.isTrusted || silent.has(event.key)) return;
    events.forEach((name) => removeEventListener(name, submit, true));
    // A press on the button posts by itself.
    if (event.target instanceof Element && event.target.closest('a, button')) return;
    form.requestSubmit();
  };
  events.forEach((name) => addEventListener(name, submit, { capture: true, passive: true }));
})();
