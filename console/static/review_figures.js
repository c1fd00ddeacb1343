// How the queue is doing, live. The stream also says when the queue itself has changed.

import { follow } from "./live.js";
import { askToSignIn, byId, setup, text } from "./page.js";

/**
 * Follows the figures; calls `changed` when photos came, went, or were claimed, and with the first figures: what
 * changed between the page's own look at the queue and those would be told by nobody.
 */
export function followFigures(changed) {
  let known = null;

  function take(figures) {
    show(figures);
    if (known === figures.queue) return;
    known = figures.queue;
    changed();
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
