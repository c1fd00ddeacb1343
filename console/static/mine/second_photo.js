// The optional second photo beside the first, and the consent to one taken at a gate.

import { chooseAnother } from "./capture.js";
import { showChecklist } from "./checklist.js";
import { confirm } from "../confirm.js";
import { byId, element, getBlob, post, put, Refused, remove, setup, text, toast } from "../page.js";
import { draw } from "../picture.js";

const GONE = new Set(["withdrawn", "replaced"]);

let shown = null;
let pictured = null;
let checked = null;
let loadAgain = async () => {};

const show = (id, isShown) => { byId(id).hidden = !isShown; };

/** The person's second photo, or null. */
export const second = (state) => state.photos.find((photo) => photo.slot === "second" && !GONE.has(photo.state)) ?? null;

/** Shows the second photo, or the offer of one; nothing without consent or an approved first photo (`state` null). */
export function renderSecond(state, load) {
  loadAgain = load;
  shown = state ? second(state) : null;
  const isPossible = Boolean(state?.second.possible);
  show("second", isPossible);
  if (isPossible) renderCard(state);
  if (setup.gateVersion) renderGateConsent(state, isPossible);
}

function renderCard(state) {
  const photo = shown;
  const kind = photo?.source === "gate" ? "from_gate" : photo?.state;
  const heading = text(photo ? `second.${kind}` : "second.title");
  if (byId("second-title").textContent !== heading) byId("second-title").textContent = heading;
  byId("second").dataset.state = photo?.state ?? "";
  show("second-there", Boolean(photo));
  show("second-offered", !photo);
  byId("second-offer").textContent = text(state.second.wanted ? "second.lead" : "second.any_time");
  if (photo) byId("second-lead").textContent = text(`second.${kind}_lead`);
  const note = byId("second-note");
  note.hidden = !photo?.note;
  note.replaceChildren(element("strong", "", text("photo.reviewer_says")), element("span", "", photo?.note ?? ""));
  const isRejected = photo?.state === "rejected";
  byId("second-add").textContent = text(photo ? `second.${isRejected ? "again" : "replace"}` : "second.add");
  byId("second-add").classList.toggle("plain", Boolean(photo) && !isRejected);
  show("second-ask", isRejected && !photo.reviewed);
  show("second-decline", !photo && state.second.wanted);
  show("second-withdraw", Boolean(photo));
  const rules = isRejected ? photo.rules : [];
  if (checked !== `${photo?.id} ${rules.length}`) showChecklist(byId("second-checks"), rules);
  checked = `${photo?.id} ${rules.length}`;
  showPicture(photo);
}

function renderGateConsent(state, isPossible) {
  const isGiven = Boolean(state?.gate_photos.given);
  // Whoever has a second photo of their own needs none from a gate, and may still withdraw what they agreed to.
  show("gate-photos", isGiven || (isPossible && !shown));
  show("gate-given", isGiven);
  show("gate-give", !isGiven);
  show("gate-withdraw", isGiven);
}

async function showPicture(photo) {
  if (pictured === photo?.id) return;
  pictured = photo?.id;
  if (!photo) return;
  const blob = await getBlob(`${setup.photos}/${photo.id}/picture`).catch(() => null);
  const isDrawn = Boolean(blob) && (await draw(byId("second-portrait"), blob));
  show("second-portrait", isDrawn);
  show("no-second-portrait", !isDrawn);
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
