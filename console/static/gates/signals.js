// A sound and a notification of the browser for critical alarms: switched on by a press, and remembered.

import { byId, coded, gateTitle, setup, text } from "../page.js";

const AGAIN_MS = 20_000;
const TONES = [880, 660, 880];
const TONE_S = 0.18;

const sound = byId("sound");
const notify = byId("notify");
let audio = null;
let known = null;
let soundedAt = -Infinity;
let urgent = [];

const remembered = (name) => {
  try {
    return localStorage.getItem(`campusgate.${name}`) === "on";
  } catch {
    return false;
  }
};

function remember(name, isOn) {
  try {
    localStorage.setItem(`campusgate.${name}`, isOn ? "on" : "off");
  } catch {
    // A browser that keeps nothing asks again the next time.
  }
}

function show(button, name, isOn) {
  button.setAttribute("aria-pressed", String(isOn));
  button.textContent = text(`alarm.${name}_${isOn ? "on" : "off"}`);
}

const isOn = (button) => button.getAttribute("aria-pressed") === "true";

/** Hears of the alarms that nobody has acknowledged: critical ones sound again and again, and are notified once each. */
export function signal(unseen) {
  urgent = unseen.filter((alarm) => alarm.severity === "critical");
  const isNew = urgent.filter((alarm) => known !== null && !known.has(alarm.id));
  known = new Set(urgent.map((alarm) => alarm.id));
  if (isNew.length) soundedAt = -Infinity;
  ring();
  for (const alarm of isNew) tell(alarm);
}

function ring() {
  if (!urgent.length || !isOn(sound) || performance.now() < soundedAt + AGAIN_MS) return;
  soundedAt = performance.now();
  beep();
}
setInterval(ring, 1000);

function beep() {
  audio ??= new AudioContext();
  const blocked = () => { byId("signals-said").textContent = audio.state === "running" ? "" : text("alarm.sound_blocked"); };
  audio.resume().then(blocked, blocked);
  blocked();
  TONES.forEach((pitch, place) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const begin = audio.currentTime + place * TONE_S * 1.2;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, begin);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + TONE_S);
    tone.connect(volume).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + TONE_S);
  });
}

// A browser lets a page sound only after somebody pressed something on it.
addEventListener("pointerdown", () => {
  if (audio && audio.state !== "running") audio.resume().then(() => { byId("signals-said").textContent = ""; });
});

/** Says kind and gate, never a person: a notification stands on screens that others see. */
function tell(alarm) {
  if (!isOn(notify) || Notification.permission !== "granted") return;
  try {
    const made = new Notification(`${coded("alarm", alarm.kind)} · ${gateTitle(alarm.gate)}`, {
      tag: alarm.id, body: text("alarm.notify_body"), requireInteraction: true,
    });
    made.addEventListener("click", () => {
      window.focus();
      if (alarm.gate !== "-" && !setup.gate) location.assign(`${setup.gates}/${alarm.gate}`);
    });
  } catch {
    // Phones show notifications only of an app.
    byId("signals-said").textContent = text("alarm.notify_blocked");
  }
}

sound.addEventListener("click", () => {
  const isNow = !isOn(sound);
  show(sound, "sound", isNow);
  remember("sound", isNow);
  byId("signals-said").textContent = "";
  if (isNow) beep();
});

notify.addEventListener("click", async () => {
  const wanted = !isOn(notify);
  const granted = wanted && "Notification" in window ? await Notification.requestPermission() : "denied";
  const isNow = wanted && granted === "granted";
  show(notify, "notify", isNow);
  remember("notify", isNow);
  byId("signals-said").textContent = wanted && !isNow ? text("alarm.notify_blocked") : "";
});

show(sound, "sound", remembered("sound"));
show(notify, "notify", remembered("notify") && "Notification" in window && Notification.permission === "granted");
