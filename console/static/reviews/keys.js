// Single keys, while nobody is writing and no dialog is open.

const WRITING = "input:not([type=checkbox]), select, textarea, [contenteditable]";

/** Whether somebody writes in `target`. A field that just went with its dialog keeps the focus until the next frame. */
function isWriting(target) {
  const field = target.closest?.(WRITING);
  return Boolean(field) && field.getClientRects().length > 0;
}

/** Calls the handler of a pressed key. */
export function onKey(handlers) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]") || isWriting(event.target)) return;
    const handler = handlers[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!handler) return;
    event.preventDefault();
    handler();
  });
}
