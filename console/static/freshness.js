// Whether what the page shows is still so. Orders are given only on what is.

let live = false;
const followers = new Set();

export const isLive = () => live;

/** Calls `follower` with true or false whenever it changes. */
export const whenLiveChanges = (follower) => followers.add(follower);

export function setLive(isNow) {
  live = isNow;
  for (const button of document.querySelectorAll(".needs-live")) button.disabled = !isNow;
  for (const follower of followers) follower(isNow);
}

/** Lets `button` be pressed only while the page is live. */
export function needsLive(button) {
  button.classList.add("needs-live");
  button.disabled = !live;
  return button;
}

/** This moment, by two clocks: the steady one may stand while a computer sleeps, the other may be set. */
export const moment = () => ({ steady: performance.now(), wall: Date.now() });

/** Milliseconds since `then`; whichever clock says more. Only differences are used, so a wrong clock does no harm. */
export const elapsed = (then) => Math.max(performance.now() - then.steady, Date.now() - then.wall);
