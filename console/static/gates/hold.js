// What is drawn anew moves nothing under a pointer, and nothing that somebody reads, marks or has focused.

const REST_MS = 2000;

/**
 * Returns `draw`, put off while a pointer was moved over `place` in the last moments, while text is marked there, and with
 * `focus` also while something there has the focus. `button`, where there is one, says by `waiting()` that something was put off,
 * and shows it at once.
 */
export function heldWhileUsed(place, draw, { button = null, waiting = () => "", focus = false } = {}) {
  let until = 0;
  let isWaiting = false;
  let timer = 0;

  const isUsed = () =>
    performance.now() < until || isMarked(place) || (focus && place !== document.activeElement && place.contains(document.activeElement));

  function drawNow() {
    clearTimeout(timer);
    timer = 0;
    isWaiting = false;
    if (button) button.hidden = true;
    draw();
  }

  function tryAgain() {
    timer = 0;
    if (isWaiting) put();
  }

  function put() {
    if (!isUsed()) {
      drawNow();
      return;
    }
    if (button) {
      button.hidden = false;
      button.textContent = waiting();
    }
    if (!timer) timer = setTimeout(tryAgain, Math.max(250, until - performance.now()));
  }

  for (const name of ["pointermove", "pointerdown"]) {
    place.addEventListener(name, () => { until = performance.now() + REST_MS; }, { passive: true });
  }
  place.addEventListener("pointerleave", () => {
    until = 0;
    if (isWaiting) put();
  });
  button?.addEventListener("click", drawNow);

  return () => {
    isWaiting = true;
    put();
  };
}

function isMarked(place) {
  const marked = document.getSelection();
  return Boolean(marked && !marked.isCollapsed && place.contains(marked.anchorNode));
}
