// Deciding: approve, reject with reasons, many at once; and taking a decision back within its minute.

import { byId, element, filled, labelled, post, Refused, setup, text, toast } from "../page.js";
import { decided as claimIsOver, end as claimHasEnded } from "./claim.js";
import { advice, fault } from "../rules.js";

const DIGITS = "1234567890";
const SURE_WITHIN_MS = 6000;

let told = () => {};
let sending = null;
let isArmed = 0;
let last = null;
let rejected = null;

/** Whether a decision is on its way and the next photo not open yet. */
export const isDeciding = () => sending !== null;
export const whenDecided = () => sending?.catch(() => {});

/** Sets what is called with a photo that was decided. */
export const onDecided = (handler) => { told = handler; };

// The note goes with the next decision, whichever it is.
export const note = {
  text: "",
  clear() {
    this.text = "";
    isArmed = 0;
    byId("note-line").hidden = true;
  },
  keep(words) {
    this.text = words.trim();
    byId("note-line").hidden = !this.text;
    byId("note-line").replaceChildren(element("strong", "", text("review.note_title")), element("span", "", this.text));
  },
};

export function writeNote() {
  byId("note").value = note.text;
  byId("writing").showModal();
  byId("note").focus();
}

byId("writing").querySelector("form").addEventListener("submit", () => note.keep(byId("note").value));

export const decide = {
  /** Approves; a face that is like another account's, or unlike the person's own, is asked about once more. */
  async approve(photo) {
    if (!photo.is_mine || isDeciding()) return;
    if (photo.identity?.unusual && performance.now() > isArmed) {
      isArmed = performance.now() + SURE_WITHIN_MS;
      byId("warning").textContent = text("review.approve_warning");
      byId("warning").hidden = false;
      byId("approve").firstElementChild.textContent = text("review.approve_anyway");
      return;
    }
    await send(photo, "approve", note.text ? { note: note.text } : {});
  },

  reject(photo) {
    if (!photo.is_mine || isDeciding()) return;
    rejected = photo;
    showReasons(photo);
    byId("reject-note").value = note.text;
    byId("rejecting-problem").textContent = "";
    byId("rejecting").showModal();
    byId("reasons").querySelector("input").focus();
  },
};

function send(photo, step, body) {
  sending = decided(photo, step, body).finally(() => { sending = null; });
  return sending;
}

async function decided(photo, step, body) {
  try {
    const done = await post(`${setup.reviews}/${photo.id}/${step}`, body);
    claimIsOver();
    remember(done);
    await told(done);
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.code === "photo_not_claimed") claimHasEnded();
    if (!byId("rejecting").open) toast(error.message, false);
    byId("rejecting-problem").textContent = error.message;
    return false;
  }
}

/** The reasons, those of the broken rules first, then what only eyes can see; the first ten have digits. */
function showReasons(photo) {
  const failed = new Set(photo.rules.filter((rule) => !rule.passed).map((rule) => rule.rule));
  if (photo.identity?.duplicates.length) failed.add("known_under_another_account");
  const rules = new Set(photo.rules.map((rule) => rule.rule));
  const rank = ({ name }) => (failed.has(name) ? 0 : rules.has(name) ? 2 : 1);
  const reasons = [...setup.reasons].sort((one, other) => rank(one) - rank(other));
  const required = new Set(photo.rules.filter((rule) => !rule.passed && rule.level === "required").map((rule) => rule.rule));
  byId("reasons").replaceChildren(byId("reasons").querySelector("legend"), ...reasons.map((reason, at) => {
    const { name } = reason;
    const box = element("input");
    box.type = "checkbox";
    box.name = name;
    box.checked = required.has(name);
    const key = at < DIGITS.length ? element("kbd", "", DIGITS[at]) : element("span");
    const shown = fault(photo.rules.find((rule) => rule.rule === name) ?? { rule: name });
    return element("label", "reason", box, key, element("span", "", element("strong", "", shown), element("small", "", advice(reason))));
  }));
}

byId("rejecting").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isWriting = event.target === byId("reject-note");
  const at = DIGITS.indexOf(event.key);
  const boxes = byId("reasons").querySelectorAll("input");
  if (!isWriting && event.key.length === 1 && at >= 0 && boxes[at]) {
    boxes[at].checked = !boxes[at].checked;
    boxes[at].focus();
    event.preventDefault();
  } else if (!isWriting && event.key.toLowerCase() === "n") {
    byId("reject-note").focus();
    event.preventDefault();
  } else if (event.key === "Enter" && event.target.type === "checkbox") {
    event.preventDefault();
    byId("rejecting").querySelector("form").requestSubmit();
  }
});

byId("rejecting").querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const reasons = [...byId("reasons").querySelectorAll("input:checked")].map((box) => box.name);
  if (!reasons.length) {
    byId("rejecting-problem").textContent = text("review.reason_needed");
    return;
  }
  const words = byId("reject-note").value.trim();
  byId("rejecting-problem").textContent = "";
  const photo = rejected;
  byId("rejecting").close();
  if (!(await send(photo, "reject", { reasons, ...(words ? { note: words } : {}) }))) note.keep(words);
});

/** Approves all of `photos` that keep every rule, after a look at the list. */
export function bulk(photos, after) {
  byId("bulk-lead").textContent = filled("review.flawless_lead", { count: photos.length });
  byId("bulk-list").replaceChildren(...photos.map((one) => element("li", "", one.person.name, element("small", "", ` ${one.person.number}`))));
  byId("bulk-problem").textContent = "";
  byId("bulk").showModal();
  byId("bulk").querySelector("form").onsubmit = async (event) => {
    event.preventDefault();
    try {
      const { outcomes } = await post(`${setup.reviews}/approve-flawless`, { photo_ids: photos.slice(0, 200).map((one) => one.id) });
      const approved = Object.values(outcomes).filter((one) => one === "approved").length;
      byId("bulk").close();
      toast(filled("review.flawless_done", { approved, left: photos.length - approved }));
      await after();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      byId("bulk-problem").textContent = error.message;
    }
  };
}

function remember(photo) {
  last = { id: photo.id, until: performance.now() + photo.undo_left_s * 1000 };
  byId("undo-what").textContent = labelled(text(photo.state === "approved" ? "review.approved" : "review.rejected"), photo.person.name);
  tick();
}

/** Takes the last decision back, also one still on its way; gives the photo, or nothing when that was not possible. */
export async function takeBack() {
  await whenDecided();
  if (!last) {
    toast(text("review.nothing_to_undo"), false);
    return null;
  }
  const { id } = last;
  last = null;
  tick();
  try {
    const photo = await post(`${setup.reviews}/${id}/undo`, {});
    toast(text("review.undone"));
    return photo;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.code === "photo_step_not_possible" ? text("review.too_late") : error.message, false);
    return null;
  }
}

function tick() {
  const left = last ? Math.ceil((last.until - performance.now()) / 1000) : 0;
  if (left <= 0) last = null;
  byId("undo-bar").hidden = !last;
  byId("undo-left").textContent = last ? `${left} ${text("review.seconds")}` : "";
}

setInterval(tick, 500);
