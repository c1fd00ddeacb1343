// Back to the start when nobody touches the screen, so that the next person sees nobody's data; asked before.

const { idle, warned, start, stay } = document.body.dataset;
const dialog = document.getElementById("still-there");
const KEPT_EVERY_MS = 20_000;

let timers = [];
let kept = Date.now();

const leave = () => location.replace(start);

function wait() {
  timers.forEach(clearTimeout);
  const [all, before] = [Number(idle) * 1000, Number(warned) * 1000];
  if (!all) return;
  timers = [setTimeout(leave, all)];
  if (dialog && before) timers.push(setTimeout(() => dialog.open || dialog.showModal(), all - before));
}

/** Tells the server too that somebody is there, or it would forget them while they type. */
function keep() {
  if (!stay || Date.now() - kept < KEPT_EVERY_MS) return;
  kept = Date.now();
  fetch(stay, { method: "POST" }).then((answer) => { if (!answer.ok) leave(); }, () => {});
}

function touched() {
  wait();
  keep();
}

if (dialog || stay) {
  for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, touched, true);
  wait();
}
// A page that the browser kept shows what it showed: load it anew, which leads to the start.
window.addEventListener("pageshow", (event) => { if (event.persisted) leave(); });

const reader = document.querySelector("[data-keep-focus]");
if (reader) {
  document.addEventListener("focusout", () => setTimeout(() => {
    if (document.activeElement === document.body && !dialog?.open) reader.focus();
  }));
}
