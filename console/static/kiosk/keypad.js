// Keys on the screen for a kiosk without a keyboard. They type into the field that was touched last.

const keys = document.querySelector("[data-keys]");
const fields = [...document.querySelectorAll("[data-keypad]")];
let field = fields.find((one) => one.autofocus) ?? fields[0];
let showsLetters = false;

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ-"];

function key(label, act, name = label) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  if (name !== label) made.setAttribute("aria-label", name);
  made.addEventListener("click", act);
  // The field keeps its focus while keys are pressed.
  made.addEventListener("pointerdown", (event) => event.preventDefault());
  return made;
}

function type(text) {
  if (field.value.length < field.maxLength) field.value += text;
  field.focus();
}

function erase() {
  field.value = field.value.slice(0, -1);
  field.focus();
}

function show() {
  const kind = field.dataset.keypad;
  const letters = kind === "letters" && showsLetters;
  const shown = (letters ? LETTERS : DIGITS).map((one) => key(one, () => type(one)));
  const other = () => key(letters ? "123" : keys.dataset.letters, () => { showsLetters = !showsLetters; show(); });
  const left = { amount: () => key(".", () => type(".")), letters: other, digits: () => document.createElement("span") };
  shown.push(left[kind]());
  if (!letters) shown.push(key("0", () => type("0")));
  shown.push(key("⌫", erase, keys.dataset.erase));
  keys.classList.toggle("wide", letters);
  keys.replaceChildren(...shown);
}

if (keys && field) {
  for (const one of fields) {
    one.inputMode = "none";
    one.addEventListener("focus", () => {
      if (one === field) return;
      field = one;
      showsLetters = false;
      show();
    });
  }
  keys.hidden = false;
  show();
}
