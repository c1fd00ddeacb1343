// Forms whose sign-in had ended when they were sent are filled in again once their reader is back; passwords are not.

import { actionOf, isKept, keep, take } from "./typed.js";

const { reader } = document.body.dataset;
const kept = take(reader);

document.addEventListener("submit", (event) => {
  if (!event.defaultPrevented && event.target.getAttribute("method") === "post") keep(event.target, reader);
});

const form = kept && [...document.forms].find((one) => actionOf(one) === kept.action);
if (form) {
  const controls = [...form.elements].filter(isKept);
  for (const [name, value, checked] of kept.values) {
    const found = controls.findIndex((one) => one.name === name && (!isTick(one) || one.value === value));
    if (found < 0) continue;
    const [control] = controls.splice(found, 1);
    if (isTick(control)) control.checked = checked;
    else control.value = value;
  }
  for (let up = form.parentElement; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
  document.getElementById("typed-again").hidden = false;
  form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

function isTick(control) {
  return control.type === "checkbox" || control.type === "radio";
}
