// Follows the work on an import, and shows its end.
const section = document.querySelector("[data-progress]");
const bar = document.getElementById("progress");
const done = section.querySelector("[data-done]");

async function look() {
  try {
    const answer = await fetch(section.dataset.progress, { headers: { Accept: "application/json" } });
    const progress = answer.ok ? await answer.json() : null;
    if (!progress || !progress.running) {
      location.reload();
      return;
    }
    bar.value = progress.done;
    done.textContent = progress.done;
  } catch {
    // The network is away: the work goes on, and the next look may be answered.
  }
  setTimeout(look, 1000);
}

setTimeout(look, 500);
