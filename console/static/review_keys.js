// Single keys, while nobody is writing and no dialog is open.

const WRITING = "input:not([type=checkbox]), select, textarea, [contenteditable]";

/** Calls the handler of a pressed key. */
export function onKey(handlers) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(WRITING)) return;
    const handler = handlers[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!handler) return;
    event.preventDefault();
    handler();
  });
}
