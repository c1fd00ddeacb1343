// Orders to gates: every one is confirmed in a dialog, which stays open when not every gate did what was asked.

import { bracketed, byId, clock, coded, element, gateTitle, keyed, labelled, listed, newKey, post, Refused, say, setup, text, toast } from "./page.js";

const DANGEROUS = new Set(["lockdown", "evacuate"]);
export const ACTIONS = ["open", "hold", "release", "lock", "lockdown"];

const dialog = byId("order");
let asked = null;

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
  give.hidden = give.disabled = false;
  byId("order-cancel").textContent = text("cancel");
  dialog.showModal();
}

export function orderButton(action, reach, title) {
  const button = element("button", DANGEROUS.has(action) ? "plain danger" : "plain", coded("order", action));
  button.type = "button";
  button.dataset.action = action;
  button.addEventListener("click", () => askToOrder(action, reach, title));
  return button;
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
    report(await post(`${setup.root}orders/${order.id}/confirm`, {}), coded("order", order.action));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, false);
    button.disabled = false;
  }
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const give = byId("order-give");
  if (give.disabled) return;
  give.disabled = true;
  const { action, reach, title, key } = asked;
  const note = byId("order-note").value.trim();
  const body = { action, ...reach, ...(note ? { note } : {}) };
  try {
    const order = await post(`${setup.root}orders`, body, key);
    if (report(order, `${coded("order", action)} · ${title}`)) dialog.close();
    else showResults(order.results.map(resultLine));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showResults([element("li", "bad", error.message)]);
    give.disabled = false;
    give.hidden = false;
  }
});

byId("order-cancel").addEventListener("click", () => dialog.close());

/** Tells what an order did; true when there is nothing more to see. */
function report(order, what) {
  if (order.state === "waiting") {
    toast(text("effect.waiting"));
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
