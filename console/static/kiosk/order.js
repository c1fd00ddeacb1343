// Follows an order until its channel has spoken; what became of it is shown by the page itself.

const shown = document.querySelector("[data-order]");
const EVERY_MS = 2000;

async function ask() {
  let state = "pending";
  try {
    const answer = await fetch(shown.dataset.order, { headers: { Accept: "application/json" } });
    if (answer.ok) ({ state } = await answer.json());
    else if (answer.status < 500) state = "over";
  } catch {
    // The network comes back, or the page goes to the start by itself.
  }
  if (state === "pending") setTimeout(ask, EVERY_MS);
  else location.replace(location.href);
}

if (shown) setTimeout(ask, EVERY_MS);
