// Forms that move a door: a ticket is asked for when somebody presses, and the form carries it at once (`wish.js` says
// why). `data-ticket` of the form names the action, `data-ticket-address` where tickets are given.

const WAIT_MS = 5000;

for (const form of document.querySelectorAll("form[data-ticket]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter;
    const problem = form.querySelector("[data-ticket-problem]");
    problem.hidden = true;
    if (button) button.disabled = true;
    const ticket = await ask(form.dataset);
    if (ticket === null) {
      problem.hidden = false;
      if (button) button.disabled = false;
      return;
    }
    form.elements.ticket.value = ticket;
    form.submit();
  });
}

// A page that comes back from the browser's memory has the button as it was pressed.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-ticket] button")) button.disabled = false;
});

async function ask({ ticket, ticketAddress }) {
  try {
    const answer = await fetch(ticketAddress, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ action: ticket }),
      signal: AbortSignal.timeout(WAIT_MS),
    });
    return answer.ok ? (await answer.json()).ticket : null;
  } catch {
    return null;
  }
}
