// Follows a top-up until its state is another one, and shows that page then.

const shown = document.getElementById("top-up");
const SOON_MS = 2500;
const LATER_MS = 10_000;
const SOON_TIMES = 60;
let asked = 0;

async function ask() {
  asked += 1;
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(shown.dataset.at, { headers: { Accept: "application/json" } });
      if (answer.status === 401) return;
      if (answer.ok && (await answer.json()).state !== shown.dataset.state) {
        location.reload();
        return;
      }
    } catch {
      // No network just now: the next question finds out.
    }
  }
  setTimeout(ask, asked < SOON_TIMES ? SOON_MS : LATER_MS);
}

setTimeout(ask, SOON_MS);
