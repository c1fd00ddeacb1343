// How the queue is doing, live. The stream also says when the queue itself has changed.

import { askToSignIn, byId, setup, text } from "./page.js";

const AGAIN_MS = 2000;

/** Follows the figures; calls `changed` when photos came, went, or were claimed. */
export function followFigures(changed) {
  let known = null;

  function open() {
    const stream = new EventSource(setup.stream);
    stream.addEventListener("open", () => link("live"));
    stream.addEventListener("error", () => {
      link("lost");
      if (stream.readyState === EventSource.CLOSED) setTimeout(comeBack, AGAIN_MS);
    });
    stream.addEventListener("figures", (message) => {
      const figures = JSON.parse(message.data);
      show(figures);
      if (known !== null && known !== figures.queue) changed();
      known = figures.queue;
    });
  }

  async function comeBack() {
    const answer = await fetch(setup.queue).catch(() => null);
    if (answer?.status === 401) await askToSignIn();
    open();
  }

  open();
}

function show(figures) {
  byId("figure-waiting").textContent = figures.waiting;
  const oldest = figures.oldest_waiting_min;
  byId("figure-oldest").textContent = oldest === null ? "–" : `${oldest} ${text("review.minutes")}`;
  byId("figure-last_hour").textContent = figures.decided_last_hour;
  const share = figures.approved_share_last_day;
  byId("figure-approved_share").textContent = share === null ? "–" : `${Math.round(share * 100)}%`;
}

function link(state) {
  const shown = byId("link");
  shown.textContent = text(state);
  shown.className = `link ${state}`;
}
