// What moves a door is done now or never. A ticket is got when somebody presses, and the request carries it: by the
// server's own clock both are worth nothing some seconds later, wherever the request had to wait. Who cancels takes back
// what has not reached the gates yet.

import { elapsed, moment } from "./freshness.js";
import { newKey, post, Refused, remove, setup, text } from "./page.js";

const ANSWER_MS = 10_000;
/** The ticket's life, what the gates may take to answer, and a little. */

/**
 * Sends `body` to `address` for `action`; `done` is the answer, or `Refused`. `cancel()` gives it up, and tells whether
 * anything may have been sent.
 */
export function wish(action, address, body, key = newKey()) {
  const begun = moment();
  const stop = new AbortController();
  let ticket = null;
  let why = "order.not_sent";
  const timer = setInterval(() => {
    if (elapsed(begun) > (ticket ? ANSWER_MS : setup.wishMs)) giveUp();
  }, 200);

  function giveUp() {
    clearInterval(timer);
    if (ticket) remove(`${setup.root}tickets/${ticket}`, { keepalive: true }).catch(() => {});
    stop.abort();
  }

  async function send() {
    try {
      const given = await post(`${setup.root}tickets`, { action }, newKey(), { signal: stop.signal });
      // The timer may have slept with the computer.
      if (elapsed(begun) > setup.wishMs) stop.abort();
      stop.signal.throwIfAborted();
      ticket = given.ticket;
      why = "order.no_answer";
      return await post(address, body, key, { signal: stop.signal, headers: { "Door-Ticket": ticket } });
    } catch (error) {
      if (stop.signal.aborted) throw new Refused(text(why));
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  return {
    done: send(),
    cancel() {
      giveUp();
      return ticket !== null;
    },
  };
}
