// Applying in writing for the end of a cut-off that does not end by itself.

import { byId, coded, post, Refused, setup, text, toast } from "../page.js";

const dialog = byId("apply");
let asked = null;

/** Asks why the cut-off for `reason` should end; `changed` is called when the application was taken. */
export function askForLift(reason, changed) {
  asked = { reason, changed };
  byId("apply-what").textContent = coded("trip_reason", reason);
  byId("apply-note").value = "";
  byId("apply-problem").textContent = "";
  dialog.showModal();
  byId("apply-note").focus();
}

byId("apply-cancel").addEventListener("click", () => dialog.close());

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const send = byId("apply-send");
  send.disabled = true;
  try {
    await post(setup.applications, { reason: asked.reason, note: byId("apply-note").value.replace(/\s+/gu, " ").trim() });
    dialog.close();
    toast(text("usage.applied_sent"));
    await asked.changed();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("apply-problem").textContent = error.message;
  } finally {
    send.disabled = false;
  }
});
