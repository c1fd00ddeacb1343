// What every live page shares: its texts, the server, and ways to draw that disturb nobody who is reading.

const read = (id) => JSON.parse(document.getElementById(id).textContent);

const texts = read("texts");
export const setup = read("setup");
export const places = read("places");

export const byId = (id) => document.getElementById(id);

/** The text of a key in the reader's language; an unknown code stays readable. */
export const text = (key) => texts[key] ?? key.split(".").pop().replaceAll("_", " ");

/** The text of a code of a kind, such as `reason.card_lost`; nothing for nothing. */
export const coded = (kind, code) => (code ? text(`${kind}.${code}`) : "");

const titles = new Map(places.gates.map((gate) => [gate.name, gate.title]));
export const gateTitle = (name) => (name === "-" ? text("whole_site") : (titles.get(name) ?? name));

export function element(name, className = "", ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content.filter((one) => one !== null && one !== undefined));
  return made;
}

const today = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium", hour12: false });
const earlier = new Intl.DateTimeFormat(document.documentElement.lang, {
  month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});

export function clock(moment) {
  const date = new Date(moment);
  const made = element("time", "", (date.toDateString() === new Date().toDateString() ? today : earlier).format(date));
  made.dateTime = moment;
  return made;
}

/** Shows `items` in `container`, keeping the elements of those that stay, so that focus and selection stay too. */
export function keyed(container, items, keyOf, make, update) {
  const before = new Map([...container.children].map((one) => [one.dataset.key, one]));
  let place = null;
  for (const item of items) {
    const key = keyOf(item);
    let shown = before.get(key);
    before.delete(key);
    if (!shown) {
      shown = make(item);
      shown.dataset.key = key;
    }
    update(shown, item);
    const wanted = place ? place.nextElementSibling : container.firstElementChild;
    if (shown !== wanted) container.insertBefore(shown, wanted);
    place = shown;
  }
  for (const gone of before.values()) gone.remove();
}

/** Changes a text only when it differs, so that a screen reader does not speak again. */
export function say(target, content) {
  if (target.textContent !== content) target.textContent = content;
}

let toastTimer = 0;
export function toast(message, isGood = true) {
  const shown = byId("toast");
  shown.textContent = message;
  shown.className = `toast ${isGood ? "good" : "bad"}`;
  shown.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { shown.hidden = true; }, 6000);
}

export class Refused extends Error {}

async function answer(request) {
  let got;
  try {
    got = await request;
  } catch {
    throw new Refused(text("failed"));
  }
  if (got.status === 401) location.assign(setup.root);
  const body = await got.json().catch(() => null);
  if (got.ok) return body;
  const known = body?.code ? texts[`problem.${body.code}`] : null;
  throw new Refused(known ?? body?.detail ?? body?.title ?? text("failed"));
}

export const get = (address) => answer(fetch(address));

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Posts JSON; the same `key` again is the same request again, and is done once. */
export const post = (address, body, key = newKey()) =>
  answer(fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify(body),
  }));
