// Asking before something that cannot be taken back.

import { byId, Refused, text } from "./page.js";

const dialog = byId("confirm");
let doIt = null;

/** Asks with the texts `key`, `key_title` and `key_lead`; does it when the person says yes. */
export function confirm(key, action) {
  doIt = action;
  byId("confirm-title").textContent = text(`${key}_title`);
  byId("confirm-lead").textContent = text(`${key}_lead`);
  byId("confirm-yes").textContent = text(key);
  byId("confirm-problem").textContent = "";
  dialog.showModal();
  byId("confirm-no").focus();
}

byId("confirm-no").addEventListener("click", () => dialog.close());

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const yes = byId("confirm-yes");
  yes.disabled = true;
  try {
    await doIt();
    dialog.close();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("confirm-problem").textContent = error.message;
  } finally {
    yes.disabled = false;
  }
});
