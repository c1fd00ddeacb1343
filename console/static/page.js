// What every live page shares: its texts, the server, and ways to draw that disturb nobody who is reading.

import { momentOf } from "./campus_time.js";

const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");

const texts = read("texts");
export const setup = read("setup");
export const places = read("places") ?? { gates: [], zones: [] };

export const byId = (id) => document.getElementById(id);
export const show = (id, isShown) => { byId(id).hidden = !isShown; };

/** The text of a key in the reader's language; an unknown code stays readable. */
export const text = (key) => texts[key] ?? key.split(".").pop().replaceAll("_", " ");

/** The text of a code of a kind, such as `reason.card_lost`; nothing for nothing. */
export const coded = (kind, code) => (code ? (texts[`${kind}.${code}`] ?? code.replaceAll("_", " ")) : "");

/** Whether a code of a kind has words of its own. */
export const isCoded = (kind, code) => `${kind}.${code}` in texts;

// Chinese has punctuation of its own: what a script puts together takes it from the texts.
export const labelled = (name, value) => `${name}${text("punctuation.colon")}${value}`;
export const listed = (words) => words.join(text("order.between"));
export const bracketed = (words) => filled("punctuation.brackets", { words });

const titles = new Map(places.gates.map((gate) => [gate.name, gate.title]));
export const gateTitle = (name) => (name === "-" ? text("whole_site") : (titles.get(name) ?? name));

export function element(name, className = "", ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content.filter((one) => one !== null && one !== undefined));
  return made;
}

export function clock(moment) {
  const made = element("time", "", momentOf(new Date(moment)));
  made.dateTime = moment;
  return made;
}

/**
 * Shows `items` in `container`, keeping the elements of those that stay, so that focus and selection stay too. What is
 * gone is taken out first: an element moved up into its place would lose its focus, and a click that is under way.
 */
export function keyed(container, items, keyOf, make, update) {
  const before = new Map([...container.children].map((one) => [one.dataset.key, one]));
  const kept = new Set(items.map((item) => String(keyOf(item))));
  for (const [key, shown] of before) if (!kept.has(key)) shown.remove();
  let place = null;
  for (const item of items) {
    const key = keyOf(item);
    let shown = before.get(String(key));
    if (!shown) {
      shown = make(item);
      shown.dataset.key = key;
    }
    update(shown, item);
    const wanted = place ? place.nextElementSibling : container.firstElementChild;
    if (shown !== wanted) container.insertBefore(shown, wanted);
    place = shown;
  }
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

/** Fetches a module, by its place in this folder, when its dialog is first wanted; says so where it cannot be. */
export async function fetchModule(name, use) {
  const module = await import(`./${name}`).catch(() => null);
  if (module) use(module);
  else toast(text("offline"), false);
}

/** What the server, or the way to it, said no to. `code` is the problem's, or nothing where there was no answer. */
export class Refused extends Error {
  constructor(message, code = null, body = null) {
    super(message);
    this.code = code;
    this.body = body;
  }
}

/** The problem that an answer holds, in the reader's words. */
export function refusal(body, fallback = text("failed")) {
  const known = body?.code ? texts[`problem.${body.code}`] : null;
  return new Refused(known ?? body?.detail ?? body?.title ?? fallback, body?.code, body);
}

/** Leads to the page to sign in, which leads back here. */
export function leaveToSignIn() {
  location.assign(`${setup.root}?${new URLSearchParams({ next: location.pathname + location.search })}`);
  return new Promise(() => {});
}

let signInAgain = leaveToSignIn;

/** Sets what is done when the sign-in has run out; the request is sent again when its promise is kept. */
export function whenSignedOut(ask) {
  signInAgain = ask;
}
export const askToSignIn = () => signInAgain();

async function answer(send) {
  let got;
  do {
    if (got) await signInAgain();
    try {
      got = await send();
    } catch {
      throw new Refused(text("offline"));
    }
  } while (got.status === 401);
  if (got.ok) return got;
  throw refusal(await got.json().catch(() => null));
}

const json = async (send) => (await answer(send)).json().catch(() => null);

export const get = (address) => json(() => fetch(address));

/** Bytes, such as a picture's; nothing when they are not kept any more. */
export async function getBlob(address) {
  try {
    return await (await answer(() => fetch(address))).blob();
  } catch (error) {
    if (error.code === "not_found") return null;
    throw error;
  }
}

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Posts JSON; the same `key` again is the same request again, and is done once. `more` are further options of fetch. */
export const post = (address, body, key = newKey(), { headers, ...more } = {}) =>
  json(() => fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key, ...headers },
    body: JSON.stringify(body),
    ...more,
  }));

export const put = (address, body) =>
  json(() => fetch(address, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));

export const remove = (address, more = {}) => json(() => fetch(address, { method: "DELETE", ...more }));

/** The text of a key with `{names}` filled in. */
export const filled = (key, values) => text(key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
