// A person's own page of metering: the running shower, their room's electricity and money, what each came to.

import "../sign_in_again.js";
import { showAutomatic } from "./automatic_top_up.js";
import { showConsumption } from "./consumption.js";
import { follow } from "../live.js";
import { showRoom } from "./own_room.js";
import { askToSignIn, byId, fetchModule, filled, get, labelled, Refused, setup, show, text } from "../page.js";
import { listCharges, listTopUps } from "./room_charges.js";
import { listShowers, showRunning } from "./showers.js";
import { yuan } from "../units.js";

const DRAW_AGAIN_MS = 300_000;

let state = null;

async function load() {
  try {
    state = await get(setup.state);
    show("trouble", false);
    render();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("trouble").querySelector("p").textContent = error.message;
    show("trouble", true);
  } finally {
    show("loading", false);
  }
}

function render() {
  const { home } = state;
  byId("wallet").textContent = labelled(text("usage.wallet"), yuan(state.wallet_fen));
  showRunning(state.running);
  show("no-room", !home);
  for (const panel of document.querySelectorAll(".of-room")) panel.hidden = !home;
  show("showers-panel", true);
  show("no-showers", state.showers.length === 0);
  listShowers(byId("showers"), state.showers, load);
  byId("subsidy-left").textContent = state.subsidy_left_fen ? filled("usage.subsidy_left", { sum: yuan(state.subsidy_left_fen) }) : "";
  if (!home) return;
  renderHome();
  listCharges(state.charges, load);
  listTopUps(state.top_ups);
}

function renderHome() {
  showRoom(state.home, load);
  showAutomatic(state.home.automatic, load);
}

const pay = (room) => fetchModule("mine/room_payment.js", ({ openPayment }) => openPayment(room, state.wallet_fen, load));
byId("top-up").addEventListener("click", () => pay(state.home.id));
for (const button of document.querySelectorAll(".top-up-another")) button.addEventListener("click", () => pay(null));

byId("trouble").querySelector("button").addEventListener("click", load);

await load();
if (state?.home) showConsumption();

follow({
  address: () => setup.stream,
  ask: setup.state,
  signedOut: askToSignIn,
  handlers: {
    running({ shower }) {
      const hasEnded = state?.running && state.running.id !== shower?.id;
      if (state) state.running = shower;
      showRunning(shower);
      if (hasEnded) load();
    },
    home({ home }) {
      const isPaid = state?.home && state.home.money.balance_fen !== home?.money.balance_fen;
      if (!state || !home || !state.home) return;
      state.home = home;
      renderHome();
      if (isPaid) load();
    },
  },
});

setInterval(() => {
  if (state?.home && document.visibilityState === "visible") showConsumption();
}, DRAW_AGAIN_MS);
