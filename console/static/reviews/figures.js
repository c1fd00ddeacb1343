// How the queue is doing, live. The stream also says when the queue itself has changed.

import { follow } from "../live.js";
import { askToSignIn, byId, setup, text } from "../page.js";
import { queueFingerprint } from "./queue.js";

/** Follows the figures; calls `changed` when they are of another queue than the page shows. */
export function followFigures(changed) {
  function take(figures) {
    show(figures);
    if (figures.queue !== queueFingerprint()) changed();
  }

  follow({ address: () => setup.stream, ask: setup.queue, signedOut: askToSignIn, handlers: { figures: take } });
}

function show(figures) {
  byId("figure-waiting").textContent = figures.waiting;
  const oldest = figures.oldest_waiting_min;
  byId("figure-oldest").textContent = oldest === null ? "–" : `${oldest} ${text("review.minutes")}`;
  byId("figure-last_hour").textContent = figures.decided_last_hour;
  const share = figures.approved_share_last_day;
  byId("figure-approved_share").textContent = share === null ? "–" : `${Math.round(share * 100)}%`;
}
