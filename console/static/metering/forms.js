// Forms in dialogs: their fields go as JSON to the address of the button that opened them. A form with a ticket is
// for what opens or closes a relay: it is done within seconds or not at all.

import { newKey, post, Refused, remove, setup, text, toast } from "../page.js";

let done = async () => {};
const pending = new Map();

/** Sets what is done after something was decided. */
export function whenDone(act) {
  done = act;
}

/** Opens a dialog's form as the button's `data-…` say: for which `address`, and of which `subject`. */
export function openForm(dialog, given) {
  const { address, subject } = given;
  const form = dialog.querySelector("form");
  form.reset();
  form.dataset.address = address;
  form.querySelector(".subject").textContent = subject ?? "";
  form.querySelector(".problem").textContent = "";
  dialog.dispatchEvent(new CustomEvent("opened", { detail: { ...given } }));
  dialog.showModal();
}

/** `12.3` with two decimals is 1230: by its digits, never by a float. Nothing for what is no such number. */
export function scaled(written, decimals) {
  const found = /^(\d+)(?:[.．](\d*))?$/.exec(written.trim());
  if (!found || (found[2] ?? "").length > decimals) return null;
  return Number(found[1] + (found[2] ?? "").padEnd(decimals, "0"));
}

const KINDS = {
  fen: (written) => scaled(written, 2),
  int: (written) => scaled(written, 0),
};

/** The fields of a form that say something, by name. */
export function fieldsOf(form, submitter = null) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.type === "submit" || field.matches(":disabled") || field.value === "") continue;
    if (["radio", "checkbox"].includes(field.type) && !field.checked) continue;
    const value = field.value.trim();
    body[field.name] = KINDS[field.dataset.kind]?.(value) ?? value;
  }
  if (submitter?.name) body[submitter.name] = submitter.value;
  return body;
}

async function send(form, body, signal) {
  const headers = {};
  if (form.dataset.ticket) {
    const { ticket } = await post(`${setup.root}tickets`, { action: form.dataset.ticket }, newKey(), { signal });
    pending.set(form, ticket);
    headers["Door-Ticket"] = ticket;
  }
  return post(form.dataset.address, body, newKey(), { headers, signal });
}

/** Sends a form; true when it was taken. */
export async function submit(form, body) {
  const buttons = [...form.querySelectorAll("button:not([data-close])")].filter((one) => !one.disabled);
  const problem = form.querySelector(".problem");
  const stop = new AbortController();
  const giveUp = () => stop.abort();
  const dialog = form.closest("dialog");
  dialog?.addEventListener("close", giveUp);
  for (const one of buttons) one.disabled = true;
  problem.textContent = "";
  try {
    const answer = await send(form, body, stop.signal);
    pending.delete(form);
    dialog?.removeEventListener("close", giveUp);
    dialog?.close();
    toast(answer?.state === "waiting" ? text("metering.waits_for_second") : text("metering.done"));
    await done();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (stop.signal.aborted) toast(text("metering.given_up"), false);
    problem.textContent = error.message;
    return false;
  } finally {
    dialog?.removeEventListener("close", giveUp);
    if (pending.has(form)) remove(`${setup.root}tickets/${pending.get(form)}`, { keepalive: true }).catch(() => {});
    pending.delete(form);
    for (const one of buttons) one.disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("dialog") || form.dataset.own !== undefined || !form.dataset.address) return;
  event.preventDefault();
  submit(form, fieldsOf(form, event.submitter));
});
