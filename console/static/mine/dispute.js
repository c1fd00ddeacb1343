// Saying that a charge is wrong: staff look at its readings and answer.

import { byId, post, Refused, text, toast } from "../page.js";

const dialog = byId("dispute");
let asked = null;

/** Asks what is wrong with what `name` names, and posts it to `address`; `changed` is called when it was taken. */
export function askDispute(address, name, changed) {
  asked = { address, changed };
  byId("dispute-what").textContent = name;
  byId("dispute-text").value = "";
  byId("dispute-problem").textContent = "";
  dialog.showModal();
  byId("dispute-text").focus();
}

byId("dispute-cancel").addEventListener("click", () => dialog.close());

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const send = byId("dispute-send");
  send.disabled = true;
  try {
    await post(asked.address, { text: byId("dispute-text").value.replace(/\s+/gu, " ").trim() });
    dialog.close();
    toast(text("usage.dispute_sent"));
    await asked.changed();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("dispute-problem").textContent = error.message;
  } finally {
    send.disabled = false;
  }
});
