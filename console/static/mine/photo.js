// A person's own page: consent, the photo and its life, the inbox.

import "../sign_in_again.js";
import { chooseAnother, hideCapture, onHandedIn, showCapture } from "./capture.js";
import { showChecklist } from "./checklist.js";
import { confirm } from "../confirm.js";
import { showNotices } from "./inbox.js";
import { showLife } from "./life.js";
import { renderSecond } from "./second_photo.js";
import { photoIn, showNote, showPicture } from "./slots.js";
import { byId, clock, get, post, put, Refused, remove, say, setup, show, text, toast } from "../page.js";

const LOOK_AGAIN_MS = 8000;

let state = null;
let isReconsidering = false;
let shown = null;

const current = () => photoIn(state, "first");

async function load() {
  try {
    state = await get(setup.state);
    show("trouble", false);
    render();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (!state) trouble(error.message);
  } finally {
    show("loading", false);
  }
}

function trouble(message) {
  byId("trouble").querySelector("p").textContent = message;
  show("trouble", true);
}

function render() {
  const { given, given_at: since, outdated, refused } = state.consent;
  const hasRefused = refused && !isReconsidering;
  const photo = given ? current() : null;
  show("consent", !given && !hasRefused);
  byId("give").disabled = byId("refuse").disabled = false;
  show("consent-outdated", outdated);
  show("refusal", !given && hasRefused);
  show("rights", given);
  if (given) byId("given").replaceChildren(text("consent.given"), " · ", clock(since));
  show("current", Boolean(photo));
  show("checks", Boolean(photo) && photo.state !== "approved");
  if (photo) renderPhoto(photo);
  if (given && !photo) showCapture();
  else if (!given) hideCapture();
  renderSecond(given ? state : null, load);
  show("inbox", state.notices.length > 0);
  showNotices(state.notices, load);
}

function renderPhoto(photo) {
  byId("current").dataset.state = photo.state;
  say(byId("state"), text(`state.${photo.state}`));
  byId("state-lead").textContent = text(`state.${leadOf(photo)}_lead`);
  showNote(byId("reviewer-note"), photo);
  showLife(byId("life"), photo);
  const isRejected = photo.state === "rejected";
  byId("another").textContent = text(isRejected ? "photo.again" : "photo.replace");
  byId("another").classList.toggle("plain", !isRejected);
  const canAsk = isRejected && !photo.reviewed;
  show("ask", canAsk);
  show("ask-lead", canAsk);
  if (shown === photo.id) return;
  shown = photo.id;
  showChecklist(byId("checklist"), photo.rules);
  showPicture("portrait", photo);
}

function leadOf(photo) {
  if (photo.state !== "rejected") return photo.state === "approved" ? "approved" : "in_review";
  return photo.reviewed ? "rejected_by_reviewer" : "rejected_by_rules";
}

/** Does something about consent or the photo, tells what happened, and shows how things stand then. */
async function act(doIt, done) {
  await doIt();
  if (done) toast(text(done));
  await load();
}

byId("give").addEventListener("click", async (event) => {
  event.target.disabled = true;
  const language = document.documentElement.lang;
  try {
    await act(() => put(setup.consent, { version: setup.version, language }));
    byId("take").focus();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, false);
  } finally {
    event.target.disabled = false;
  }
});

byId("refuse").addEventListener("click", async (event) => {
  event.target.disabled = true;
  const language = document.documentElement.lang;
  try {
    isReconsidering = false;
    await act(() => put(setup.refusal, { version: setup.version, language }));
    byId("reconsider").focus();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, false);
  } finally {
    event.target.disabled = false;
  }
});

byId("reconsider").addEventListener("click", () => {
  isReconsidering = true;
  render();
  byId("give").focus();
});

byId("another").addEventListener("click", () => chooseAnother("first"));

byId("ask").addEventListener("click", async () => {
  try {
    await act(() => post(`${setup.photos}/${current().id}/review`, {}), "photo.asked");
    byId("state").focus();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, false);
    await load();
  }
});

byId("withdraw").addEventListener("click", () => confirm("photo.withdraw", async () => {
  await act(() => remove(`${setup.photos}/${current().id}`), "photo.withdrawn");
}));

byId("withdraw-consent").addEventListener("click", () => confirm("consent.withdraw", async () => {
  isReconsidering = false;
  await act(() => remove(setup.consent), "consent.withdrawn");
}));

byId("trouble").querySelector("button").addEventListener("click", load);

onHandedIn(async (photo) => {
  const wasThere = state.photos.some((one) => one.id === photo.id);
  hideCapture();
  await load();
  if (wasThere) toast(text("photo.same"));
  const isSecond = photo.slot === "second";
  byId(isSecond ? "second-title" : "state").focus();
  byId(isSecond ? "second" : "current").scrollIntoView({ block: "start" });
});

setInterval(() => {
  const isWaiting = state?.consent.given && ["first", "second"].some((slot) => photoIn(state, slot)?.state === "in_review");
  if (isWaiting && document.visibilityState === "visible" && !document.querySelector("dialog[open]")) load();
}, LOOK_AGAIN_MS);

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && state) load();
});

load();
