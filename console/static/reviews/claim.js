// The claim on the open photo: how long it lasts, prolonged while somebody is there, given back when they leave.

import { byId, post, Refused, setup, text } from "../page.js";

const RENEW_BELOW_S = 90;
const SOMEBODY_WITHIN_MS = 120_000;

let held = null;
let endsAt = 0;
let lastSeen = performance.now();
let isRenewing = false;
let over = () => {};

export const onClaimOver = (handler) => { over = handler; };

for (const sign of ["keydown", "pointermove", "pointerdown", "touchstart"]) {
  addEventListener(sign, () => { lastSeen = performance.now(); }, { passive: true });
}

/** Shows the claim of `photo`, or why there is none; nothing for no photo. */
export function claimed(photo) {
  held = photo?.is_mine ? photo.id : null;
  endsAt = performance.now() + (photo?.claim_left_s ?? 0) * 1000;
  byId("claim-again").hidden = true;
  if (held) tick();
  else if (photo?.is_taken) say(`${text("review.taken")}${text("punctuation.space")}${photo.claimed_by}`, "taken");
  else if (photo?.is_own) say(text("review.own"), "own");
  else say("", "");
}

/** Gives the claim on `photo` back. */
export function letGo(photo) {
  if (!photo.is_mine) return;
  if (held === photo.id) held = null;
  fetch(`${setup.reviews}/${photo.id}/claim`, { method: "DELETE", keepalive: true }).catch(() => null);
}

/** The claim has ended with the decision. */
export function decided() {
  held = null;
}

function say(words, how) {
  const shown = byId("claim-state");
  if (shown.textContent !== words) shown.textContent = words;
  byId("claim").dataset.how = how;
}

function tick() {
  if (!held) return;
  const left = Math.max(0, (endsAt - performance.now()) / 1000);
  const clock = `${Math.floor(left / 60)}:${String(Math.floor(left % 60)).padStart(2, "0")}`;
  // Not spoken every second: the words are quiet to a screen reader until something changes.
  byId("claim-state").setAttribute("aria-live", "off");
  say(`${text("review.yours")} ${clock}`, left < RENEW_BELOW_S ? "short" : "held");
  if (left === 0) return end();
  const isThere = document.visibilityState === "visible" && performance.now() - lastSeen < SOMEBODY_WITHIN_MS;
  if (left < RENEW_BELOW_S && isThere && !isRenewing) renew();
}

async function renew() {
  isRenewing = true;
  const id = held;
  try {
    const photo = await post(`${setup.reviews}/${id}/claim`, {});
    if (held === id) endsAt = performance.now() + photo.claim_left_s * 1000;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.code && held === id) end();
  } finally {
    isRenewing = false;
  }
}

/** The claim has run out, or the server says that it is not ours any more. */
export function end() {
  held = null;
  byId("claim-state").setAttribute("aria-live", "polite");
  say(text("review.claim_over"), "over");
  byId("claim-again").hidden = false;
  over();
}

setInterval(tick, 1000);
