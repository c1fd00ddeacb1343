// Follows a card on its way out of the dispenser; what became of it is shown by the page itself.

const shown = document.querySelector("[data-issue]");
const EVERY_MS = 1000;

async function ask() {
  let { stage } = shown.dataset;
  try {
    const answer = await fetch(shown.dataset.issue, { headers: { Accept: "application/json" } });
    if (answer.ok) ({ stage } = await answer.json());
    else if (answer.status < 500) stage = "over";
  } catch {
    // The network comes back, or the page goes to the start by itself.
  }
  if (stage === shown.dataset.stage) setTimeout(ask, EVERY_MS);
  else location.replace(location.href);
}

if (shown) setTimeout(ask, EVERY_MS);
