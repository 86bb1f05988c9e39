// Does the work that the subscribe form asks for: finds a proof with which the
// SHA-256 of stamp, address and proof begins with so many bits of zero. It is
// cheap for one person and dear for who wants a million letters sent.
(() => {
  const form = document.getElementById('form');
  const bits = Number(form.dataset.bits);
  const K = new Uint32Array(64), start = new Uint32Array(8);
  // The constants of FIPS 180-4, 4.2.2 and 5.3.3: the fractions of the roots of primes.
  for (let n = 2, i = 0; i < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (!prime) continue;
    if (i < 8) start[i] = (Math.sqrt(n) % 1) * 2 ** 32;
    K[i++] = (Math.cbrt(n) % 1) * 2 ** 32;
  }
  const w = new Uint32Array(64);
  const rotate = (x, n) => (x >>> n) | (x << (32 - n));

  // zeros counts the bits of zero that the hash begins with, up to 64.
  const zeros = (bytes) => {
    const padded = new Uint8Array(((bytes.length + 8 >> 6) + 1) << 6);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 4, bytes.length * 8);
    const h = start.slice();
    for (let at = 0; at < padded.length; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + 4 * i);
      for (let i = 16; i < 64; i++) {
        const a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, k] = h;
      for (let i = 0; i < 64; i++) {
        const one = k + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i] | 0;
        const two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c)) | 0;
        k = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
      }
      h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
    }
    return h[0] ? Math.clz32(h[0]) : 32 + Math.clz32(h[1]);
  };

  const encoder = new TextEncoder();
  let working = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (working) return;
    working = true;
    form.setAttribute('aria-busy', 'true');
    const said = form.elements.stamp.value + ' ' + form.elements.email.value.trim() + ' ';
    let n = 0;
    const some = () => {
      for (const end = n + 5000; n < end; n++) {
        if (zeros(encoder.encode(said + n)) >= bits) {
          form.elements.proof.value = n;
          form.submit();
          return;
        }
      }
      setTimeout(some);
    };
    some();
  });
})();
