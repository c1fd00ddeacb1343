// What was typed into a form, kept in this window alone while its reader signs in again. It is kept when a form is sent,
// and forgotten with the next page, unless that page says that the sign-in had ended.

const KEY = "campusgate-typed";
const SECRET = new Set(["password", "hidden", "file", "submit", "button"]);

export const isKept = (control) =>
  Boolean(control.name) && !SECRET.has(control.type) && control.autocomplete !== "one-time-code";

function write(kept) {
  try {
    if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept));
    else sessionStorage.removeItem(KEY);
  } catch {
    // A browser that keeps nothing: the form is filled in once more by hand.
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}

/** Where a form is sent to; `form.action` may be one of its fields. */
export const actionOf = (form) => new URL(form.getAttribute("action") ?? "", location.href).pathname;

/** Keeps what `form` sends, for its reader. */
export function keep(form, reader) {
  const controls = [...form.elements].filter(isKept);
  const values = controls.map(({ name, value, checked }) => [name, value, Boolean(checked)]);
  write({ reader, action: actionOf(form), values });
}

/** Says that what was kept came to nothing: the page after the next sign-in gets it. */
export function keepForReturn() {
  const kept = read();
  if (kept) write({ ...kept, isLost: true });
}

/** Takes what came to nothing, if it is this reader's; nothing stays kept. */
export function take(reader) {
  const kept = read();
  write(null);
  return kept?.isLost && kept.reader === reader ? kept : null;
}
