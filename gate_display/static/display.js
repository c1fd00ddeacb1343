// A gate's screen: draws what the stream says, and says so itself when the stream has fallen silent.

const { body } = document;
const silentMs = Number(body.dataset.silentMs);
const byId = (id) => document.getElementById(id);
const lost = {
  look: "no_contact", answer: 0,
  title: { zh: byId("title-zh").textContent, en: byId("title-en").textContent },
  lead: { zh: byId("lead-zh").textContent, en: byId("lead-en").textContent },
};
const SOUND = "campusgate-display-sound";
const TONES = { granted: [660, 990], open: [660, 990], refused: [330], closed: [220], evacuate: [880, 660, 880, 660] };

let audio = null;
let silence = 0;
let answered = 0;
let look = "";

function show(screen) {
  for (const part of ["title", "lead"]) {
    for (const language of ["zh", "en"]) {
      const target = byId(`${part}-${language}`);
      if (target.textContent !== screen[part][language]) target.textContent = screen[part][language];
    }
  }
  const isNew = screen.look !== look || screen.answer !== answered;
  if (isNew && screen.answer >= answered) play(screen.look);
  look = screen.look;
  answered = screen.answer || answered;
  body.dataset.look = look;
}

function play(name) {
  if (!audio || !TONES[name]) return;
  TONES[name].forEach((pitch, index) => {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    const start = audio.currentTime + index * 0.16;
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.25, start);
    loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.15);
    tone.connect(loudness).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.15);
  });
}

function switchSound(on) {
  if (on && !audio) audio = new AudioContext();
  if (!on && audio) {
    audio.close();
    audio = null;
  }
  byId("sound").setAttribute("aria-pressed", String(on));
  localStorage.setItem(SOUND, on ? "on" : "off");
}

byId("sound").addEventListener("click", () => switchSound(!audio));
if (localStorage.getItem(SOUND) === "on") switchSound(true);

function heard() {
  clearTimeout(silence);
  silence = setTimeout(() => show(lost), silentMs);
}

function connect() {
  const stream = new EventSource(body.dataset.stream);
  stream.addEventListener("screen", (event) => {
    heard();
    show(JSON.parse(event.data));
  });
  stream.addEventListener("beat", heard);
  stream.addEventListener("error", () => {
    // A stream that was refused is closed for good: a screen has nobody to load it again.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}

const timeZone = document.documentElement.dataset.zone;
const clock = new Intl.DateTimeFormat("zh-CN", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const tick = () => { byId("clock").textContent = clock.format(new Date()); };
tick();
setInterval(tick, 1000);
heard();
connect();
navigator.wakeLock?.request("screen").catch(() => undefined);
