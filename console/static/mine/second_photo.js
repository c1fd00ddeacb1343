// The optional second photo beside the first, and the consent to one taken at a gate.

import { chooseAnother } from "./capture.js";
import { showChecklist } from "./checklist.js";
import { confirm } from "../confirm.js";
import { photoIn, showNote, showPicture } from "./slots.js";
import { byId, post, put, Refused, remove, say, setup, show, text, toast } from "../page.js";

let shown = null;
let pictured = null;
let checked = null;
let loadAgain = async () => {};

/** Shows the second photo, or the offer of one; nothing without consent or an approved first photo (`state` null). */
export function renderSecond(state, load) {
  loadAgain = load;
  shown = state ? photoIn(state, "second") : null;
  const isPossible = Boolean(state?.second.possible);
  show("second", isPossible);
  if (isPossible) renderCard(state);
  if (setup.gateVersion) renderGateConsent(state, isPossible);
}

function renderCard(state) {
  const photo = shown;
  const kind = photo?.source === "gate" ? "from_gate" : photo?.state;
  say(byId("second-title"), text(photo ? `second.${kind}` : "second.title"));
  byId("second").dataset.state = photo?.state ?? "";
  show("second-there", Boolean(photo));
  show("second-offered", !photo);
  byId("second-offer").textContent = text(state.second.wanted ? "second.lead" : "second.any_time");
  if (photo) byId("second-lead").textContent = text(`second.${kind}_lead`);
  showNote(byId("second-note"), photo);
  const isRejected = photo?.state === "rejected";
  byId("second-add").textContent = text(photo ? `second.${isRejected ? "again" : "replace"}` : "second.add");
  byId("second-add").classList.toggle("plain", Boolean(photo) && !isRejected);
  show("second-ask", isRejected && !photo.reviewed);
  show("second-decline", !photo && state.second.wanted);
  show("second-withdraw", Boolean(photo));
  const rules = isRejected ? photo.rules : [];
  if (checked !== `${photo?.id} ${rules.length}`) showChecklist(byId("second-checks"), rules);
  checked = `${photo?.id} ${rules.length}`;
  if (photo && pictured !== photo.id) showPicture("second-portrait", photo);
  pictured = photo?.id;
}

function renderGateConsent(state, isPossible) {
  const isGiven = Boolean(state?.gate_photos.given);
  // Whoever has a second photo of their own needs none from a gate, and may still withdraw what they agreed to.
  show("gate-photos", isGiven || (isPossible && !shown));
  show("gate-given", isGiven);
  show("gate-give", !isGiven);
  show("gate-withdraw", isGiven);
}

/** Does something, says what happened, and shows how things stand then; a refusal is said. */
async function act(doIt, done) {
  try {
    await doIt();
    toast(text(done));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, false);
  }
  await loadAgain();
}

byId("second-add").addEventListener("click", () => chooseAnother("second"));

byId("second-decline").addEventListener("click", async () => {
  await act(() => post(`${setup.photos}/second/declined`, {}), "second.declined_done");
  byId("second-title").focus();
});

byId("second-ask").addEventListener("click", async () => {
  await act(() => post(`${setup.photos}/${shown.id}/review`, {}), "photo.asked");
  byId("second-title").focus();
});

byId("second-withdraw").addEventListener("click", () => confirm("second.withdraw", async () => {
  await remove(`${setup.photos}/${shown.id}`);
  toast(text("second.withdrawn"));
  await loadAgain();
}));

if (setup.gateVersion) {
  byId("gate-give").addEventListener("click", async () => {
    const wanted = { version: setup.gateVersion, language: document.documentElement.lang };
    await act(() => put(setup.gateConsent, wanted), "gate_consent.done");
  });
  byId("gate-withdraw").addEventListener("click", () => confirm("gate_consent.withdraw", async () => {
    await remove(setup.gateConsent);
    toast(text("gate_consent.withdrawn"));
    await loadAgain();
  }));
}
