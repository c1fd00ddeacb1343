// Topping the room up by itself: what was agreed to, agreeing, revoking.

import { confirm } from "../confirm.js";
import { byId, clock, filled, put, Refused, remove, setup, text, toast } from "../page.js";
import { toFen, yuan } from "../units.js";

const dialog = byId("automatic");
const FIELDS = { below_fen: "automatic-below", fen: "automatic-amount", month_limit_fen: "automatic-limit" };
let reload = async () => {};

/** Shows what was agreed to, or how it would be; `changed` is called when that changes. */
export function showAutomatic(agreed, changed) {
  reload = changed;
  byId("automatic-none").hidden = Boolean(agreed);
  byId("automatic-agreed").hidden = !agreed;
  byId("automatic-revoke").hidden = !agreed;
  byId("automatic-open").textContent = text(agreed ? "usage.automatic_change" : "usage.automatic_set_up");
  if (!agreed) return;
  const words = { below: yuan(agreed.below_fen), sum: yuan(agreed.fen), limit: yuan(agreed.month_limit_fen) };
  byId("automatic-agreed").replaceChildren(filled("usage.automatic_is", words), " ", text("usage.agreed_at"), " ", clock(agreed.agreed_at));
  for (const [name, field] of Object.entries(FIELDS)) if (!dialog.open) byId(field).value = String(agreed[name] / 100);
}

byId("automatic-open").addEventListener("click", () => {
  byId("automatic-password").value = "";
  byId("automatic-consent").checked = false;
  byId("automatic-problem").textContent = "";
  dialog.showModal();
  byId("automatic-below").focus();
});

byId("automatic-cancel").addEventListener("click", () => dialog.close());

byId("automatic-revoke").addEventListener("click", () => confirm("usage.automatic_revoke", async () => {
  await remove(setup.automatic);
  toast(text("usage.automatic_revoked"));
  await reload();
}));

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, toFen(byId(field).value)]));
  const problem = check(wanted);
  byId("automatic-problem").textContent = problem ?? "";
  if (problem) return;
  const send = byId("automatic-yes");
  send.disabled = true;
  try {
    await put(setup.automatic, { ...wanted, consumption_password: byId("automatic-password").value });
    dialog.close();
    toast(text("usage.automatic_agreed"));
    await reload();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("automatic-problem").textContent = error.message;
  } finally {
    send.disabled = false;
  }
});

function check({ below_fen: below, fen, month_limit_fen: limit }) {
  const isBetween = (one, least, most) => one !== null && one >= least && one <= most;
  if (!isBetween(below, 0, setup.mostFen)) return filled("usage.level_between", { most: yuan(setup.mostFen) });
  if (!isBetween(fen, setup.leastFen, setup.mostFen)) return filled("usage.amount_between", { least: yuan(setup.leastFen), most: yuan(setup.mostFen) });
  if (!isBetween(limit, fen, 10 * setup.mostFen)) return text("usage.limit_too_small");
  if (!byId("automatic-consent").checked) return text("usage.automatic_consent_missing");
  return null;
}
