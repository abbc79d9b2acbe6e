// Finds the number that the form asks for while the form is filled in; without this script the page says what to do.
(() => {
  const field = document.querySelector("[data-question]");
  // Browsers know no such arithmetic on a connection that others can read.
  if (!field || !window.crypto?.subtle) return;

  const form = field.form;
  const working = form.querySelector("[data-proof-working]");
  const missing = form.querySelector("[data-proof-missing]");
  const { parameters, signature } = JSON.parse(field.dataset.question);
  const AT_ONCE = 16;
  const LAST = 1_000_000;

  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const nonce = bytes(parameters.nonce);
  const sum = { name: "PBKDF2", hash: "SHA-256", salt: bytes(parameters.salt), iterations: parameters.cost };

  const derive = async (number) => {
    const password = new Uint8Array(nonce.length + 4);
    password.set(nonce);
    new DataView(password.buffer).setUint32(nonce.length, number);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    return hex(await crypto.subtle.deriveBits(sum, key, parameters.keyLength * 8));
  };

  const solve = async () => {
    for (let first = 0; first < LAST; first += AT_ONCE) {
      const numbers = Array.from({ length: AT_ONCE }, (_, step) => first + step);
      const keys = await Promise.all(numbers.map(derive));
      const found = keys.findIndex((key) => key.startsWith(parameters.keyPrefix));
      if (found >= 0) return { counter: numbers[found], derivedKey: keys[found] };
    }
    throw new Error("no number answers the question");
  };

  let asked = null;
  const wait = (event) => {
    event.preventDefault();
    asked = { by: event.submitter };
    working.hidden = false;
  };
  const done = () => {
    form.removeEventListener("submit", wait);
    working.hidden = true;
    if (asked) form.requestSubmit(asked.by);
  };

  // Taken out, and not only hidden: the Enter key presses the first button that there is.
  missing.remove();
  form.querySelector("[data-proof-send]").hidden = false;
  form.addEventListener("submit", wait);
  solve().then(
    (solution) => {
      field.value = btoa(JSON.stringify({ challenge: { parameters, signature }, solution }));
      done();
    },
    () => {
      working.before(missing);
      done();
    },
  );
})();
