// A large file is taken only from whoever is signed in as it comes: a sign-in that ran out meanwhile is renewed first.
const form = document.querySelector("form[data-upload]");
let isSending = false;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isSending) return;
  isSending = true;
  try {
    await fetch(location.pathname, { headers: { Accept: "text/html" } });
  } finally {
    form.submit();
  }
});

// Back in history the page is as it was, and may send again.
addEventListener("pageshow", () => { isSending = false; });
