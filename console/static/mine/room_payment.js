// Paying for a room: the own one, or another chosen from lists. The room is seen before it is paid for, and one payment
// has one key: pressed twice, or sent again because no answer came, it is the same payment.

import { byId, bracketed, element, filled, get, labelled, listed, newKey, post, Refused, setup, text } from "../page.js";
import { toFen, yuan } from "../units.js";

const dialog = byId("pay");
const amount = byId("pay-amount");
const password = byId("pay-password");

let room = null;
let key = null;
/** What was sent and has no answer yet: it may have been paid, so nothing but this very request is sent until one comes. */
let unanswered = null;
let paid = null;

/** Opens the payment of the own room, or the lists to choose another from; `whenPaid` is called once it was made. */
export async function openPayment(own, wallet, whenPaid) {
  paid = whenPaid;
  if (!unanswered) reset(wallet);
  dialog.showModal();
  if (unanswered) return;
  byId("pay-choose").hidden = own !== null;
  if (own !== null) await look(own);
  else await listBuildings();
}

function reset(wallet) {
  room = null;
  key = newKey();
  amount.value = "";
  password.value = "";
  byId("pay-wallet").textContent = wallet === null ? "" : labelled(text("usage.wallet"), yuan(wallet));
  byId("pay-locked").hidden = true;
  byId("pay-done").hidden = true;
  byId("pay-form").hidden = true;
  byId("pay-problem").textContent = "";
  byId("pay-building").replaceChildren();
  byId("pay-room").replaceChildren();
  byId("pay-cancel").textContent = text("cancel");
  lock(false);
}

const option = (value, words) => Object.assign(element("option", "", words), { value });

async function listBuildings() {
  await tell(async () => {
    const buildings = await get(setup.buildings);
    byId("pay-building").replaceChildren(option("", text("usage.choose")), ...buildings.map((one) => option(one.id, one.name)));
    byId("pay-room").replaceChildren(option("", text("usage.choose")));
    byId("pay-room").disabled = true;
    byId("pay-building").focus();
  });
}

byId("pay-building").addEventListener("change", async () => {
  byId("pay-form").hidden = true;
  byId("pay-room").disabled = true;
  const building = byId("pay-building").value;
  if (!building) return;
  await tell(async () => {
    const rooms = await get(`${setup.buildings}/${building}/rooms`);
    byId("pay-room").replaceChildren(option("", text("usage.choose")), ...rooms.map((one) => option(one.id, one.number)));
    byId("pay-room").disabled = false;
  });
});

byId("pay-room").addEventListener("change", () => {
  byId("pay-form").hidden = true;
  if (byId("pay-room").value) look(byId("pay-room").value);
});

/** Shows whom a room is; only what was seen can be paid for. */
async function look(id) {
  await tell(async () => {
    room = await get(`${setup.rooms}/${id}/preview`);
    byId("pay-seen").textContent = `${room.building} ${room.number}`;
    byId("pay-residents").textContent = room.residents.length
      ? labelled(text("usage.residents"), listed(room.residents)) : text("usage.no_residents");
    byId("pay-form").hidden = false;
    amount.focus();
  });
}

for (const button of document.querySelectorAll("[data-fen]")) {
  button.addEventListener("click", () => {
    amount.value = String(Number(button.dataset.fen) / 100);
    byId("pay-problem").textContent = "";
  });
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (room === null || !byId("pay-done").hidden || byId("pay-yes").disabled) return;
  const wanted = unanswered ?? ask();
  if (wanted === null) return;
  byId("pay-yes").disabled = true;
  byId("pay-problem").textContent = "";
  unanswered = wanted;
  try {
    const found = await post(wanted.address, wanted.body, wanted.key);
    unanswered = null;
    showDone(found);
    await paid();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(error);
  } finally {
    byId("pay-yes").disabled = false;
  }
});

function ask() {
  const fen = toFen(amount.value);
  if (fen === null || fen < setup.leastFen || fen > setup.mostFen) {
    byId("pay-problem").textContent = filled("usage.amount_between", { least: yuan(setup.leastFen), most: yuan(setup.mostFen) });
    amount.focus();
    return null;
  }
  const body = { fen, quote: room.quote };
  if (password.value) body.consumption_password = password.value;
  return { address: `${setup.rooms}/${room.room_id}/top-ups`, body, key };
}

function refuse(error) {
  if (!error.code || error.code === "busy") {
    // Nobody knows whether it was paid: the same request finds out, and pays no second time.
    lock(true);
    byId("pay-problem").textContent = text("usage.no_answer");
    return;
  }
  unanswered = null;
  lock(false);
  byId("pay-problem").textContent = error.message;
  if (error.code === "consumption_password_required" || error.code.startsWith("password_")) {
    byId("pay-locked").hidden = false;
    password.value = "";
    password.focus();
  }
  if (error.code === "room_not_seen") look(room.room_id);
}

/** While no answer is known, the figures of the payment cannot be changed. */
function lock(isLocked) {
  for (const one of [amount, password, byId("pay-building"), byId("pay-room"), ...document.querySelectorAll("[data-fen]")]) one.disabled = isLocked;
  byId("pay-yes").textContent = text(isLocked ? "usage.ask_again" : "usage.pay");
}

function showDone(found) {
  lock(false);
  byId("pay-choose").hidden = true;
  byId("pay-form").hidden = true;
  byId("pay-done").hidden = false;
  byId("pay-done-what").textContent = filled("usage.paid_for", { sum: yuan(found.fen), room: `${found.building} ${found.number}` });
  byId("pay-done-then").textContent = labelled(text("usage.balance_then"), yuan(found.available_fen))
    + (found.repaid_fen ? bracketed(filled("usage.repaid", { sum: yuan(found.repaid_fen) })) : "");
  byId("pay-done-missing").hidden = !found.still_missing_fen;
  byId("pay-done-missing").textContent = filled("usage.still_missing", { sum: yuan(found.still_missing_fen) });
  byId("pay-cancel").textContent = text("close");
  byId("pay-done").focus();
}

/** Does something and says in the dialog why it could not be done. */
async function tell(action) {
  byId("pay-problem").textContent = "";
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("pay-problem").textContent = error.message;
  }
}

byId("pay-cancel").addEventListener("click", () => dialog.close());
