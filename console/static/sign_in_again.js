// Signing in again without leaving the page, so that nothing on it is lost.

import { byId, refusal, Refused, setup, text, whenSignedOut } from "./page.js";

const dialog = byId("sign-in-again");
let waiting = null;

/** Asks for the password once, however many requests found the sign-in gone. */
whenSignedOut(() => {
  waiting ??= new Promise((done) => {
    byId("sign-in-again-password").value = "";
    byId("sign-in-again-problem").textContent = "";
    dialog.showModal();
    dialog.addEventListener("signed-in", () => {
      waiting = null;
      done();
    }, { once: true });
  });
  return waiting;
});

dialog.addEventListener("cancel", (event) => event.preventDefault());

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await signIn(byId("sign-in-again-number").value, byId("sign-in-again-password").value);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("sign-in-again-problem").textContent = error.message;
    return;
  }
  dialog.close();
  dialog.dispatchEvent(new Event("signed-in"));
});

async function signIn(number, password) {
  let got;
  try {
    got = await fetch(setup.signIn, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ number, password }),
    });
  } catch {
    throw new Refused(text("offline"));
  }
  if (!got.ok) throw refusal(await got.json().catch(() => null));
  // The password was right; whether the browser kept the sign-in only the next request tells.
  const next = await fetch(setup.root).catch(() => null);
  if (next?.status === 401) throw new Refused(text(isSecureContext ? "problem.cookies_blocked" : "problem.cookies_unencrypted"));
}
