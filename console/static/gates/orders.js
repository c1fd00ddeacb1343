// Orders to gates: every one is confirmed in a dialog, which stays open when not every gate did what was asked.

import { isLive, needsLive, whenLiveChanges } from "../freshness.js";
import { bracketed, byId, clock, coded, element, gateTitle, keyed, labelled, listed, newKey, Refused, say, setup, text, toast } from "../page.js";
import { wish } from "../wish.js";

const DANGEROUS = new Set(["lockdown", "evacuate"]);
export const ACTIONS = ["open", "hold", "release", "lock", "lockdown"];

const dialog = byId("order");
let asked = null;
let pending = null;

/** Asks whether to do `action` at `reach` ({gates}, {zone} or {everywhere}), which people call `title`. */
export function askToOrder(action, reach, title) {
  asked = { action, reach, title, key: newKey() };
  byId("order-title").textContent = `${coded("order", action)} · ${title}`;
  byId("order-explained").textContent = text(`order.explain_${action}`);
  byId("order-note").value = "";
  byId("order-results").replaceChildren();
  const give = byId("order-give");
  give.textContent = coded("order", action);
  give.className = DANGEROUS.has(action) ? "danger" : "";
  give.hidden = false;
  byId("order-cancel").textContent = text("cancel");
  allow();
  dialog.showModal();
}

/** An order is given once, and only on what is so now. */
function allow() {
  byId("order-give").disabled = pending !== null || !isLive();
  byId("order-not-live").hidden = isLive();
}

whenLiveChanges(allow);

export function orderButton(action, reach, title) {
  const button = element("button", DANGEROUS.has(action) ? "plain danger" : "plain", coded("order", action));
  button.type = "button";
  button.dataset.action = action;
  button.addEventListener("click", () => askToOrder(action, reach, title));
  return needsLive(button);
}

/** Shows the orders that wait for a second person. */
export function showWaiting(orders) {
  byId("waiting-panel").hidden = orders.length === 0;
  keyed(byId("waiting"), orders, (order) => order.id, makeWaiting, () => {});
}

function makeWaiting(order) {
  const made = element("li", "alarm");
  const gates = listed(order.gates.map(gateTitle));
  const button = element("button", "", text("order.confirm"));
  button.type = "button";
  button.addEventListener("click", () => confirm(order, button));
  needsLive(button);
  made.append(
    element("strong", "", coded("order", order.action)),
    element("span", "where", gates),
    element("span", "what", `${text("order.asked")} ${order.asked_by}${order.note ? ` · ${order.note}` : ""}`),
    element("span", "since", clock(order.asked_at)),
    button,
  );
  return made;
}

async function confirm(order, button) {
  button.disabled = true;
  try {
    report(await wish("confirm", `${setup.root}orders/${order.id}/confirm`, {}).done, coded("order", order.action));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, false);
    button.disabled = !isLive();
  }
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (byId("order-give").disabled) return;
  const { action, reach, title, key } = asked;
  const note = byId("order-note").value.trim();
  const mine = wish(action, `${setup.root}orders`, { action, ...reach, ...(note ? { note } : {}) }, key);
  pending = mine;
  allow();
  try {
    const order = await mine.done;
    if (pending !== mine) return;
    pending = null;
    if (report(order, `${coded("order", action)} · ${title}`)) dialog.close();
    else showResults(order.results.map(resultLine));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (pending !== mine) return;
    pending = null;
    // Pressed again it is a new order: the old one is void, and what it may have done is no answer to the new one.
    asked.key = newKey();
    showResults([element("li", "bad", error.message)]);
    byId("order-give").hidden = false;
    allow();
  }
});

byId("order-cancel").addEventListener("click", () => dialog.close());

// However the dialog goes, by its button, by the Escape key or with the page: what was asked in it is not wanted now.
dialog.addEventListener("close", cancel);
window.addEventListener("pagehide", cancel);

function cancel() {
  if (!pending) return;
  const sent = pending.cancel();
  pending = null;
  toast(text(sent ? "order.cancelled_late" : "order.cancelled"), !sent);
}

/** Tells what an order did; true when there is nothing more to see. */
function report(order, what) {
  if (order.state === "waiting") {
    toast(text("effect.waiting"));
    return true;
  }
  if (order.state === "void" && !order.results.length) {
    toast(labelled(what, coded("effect", "expired")), false);
    return true;
  }
  const failed = order.results.filter((result) => result.effect !== "done");
  const said = failed.length ? failed.map(resultText).join(text("punctuation.semicolon")) : coded("effect", "done");
  toast(labelled(what, said), failed.length === 0);
  return failed.length === 0;
}

const resultText = ({ gate, effect, detail }) =>
  labelled(gateTitle(gate), coded("effect", effect) + (effect === "refused" ? bracketed(coded("reason", detail)) : ""));

const resultLine = (result) => element("li", result.effect === "done" ? "good" : "bad", resultText(result));

function showResults(lines) {
  byId("order-results").replaceChildren(...lines);
  byId("order-give").hidden = true;
  const cancel = byId("order-cancel");
  say(cancel, text("close"));
  cancel.focus();
}
