// Shows, while a desk's reader types, which card number that is; the server decides (accounts/cards/uid_forms.py).
import "./once.js";

const field = document.getElementById("uid");
const reader = document.getElementById("reader");
const said = document.querySelector("[data-uid-read]");

function fromHexadecimal(text) {
  const plain = text.replace(/[\s:-]/g, "").toUpperCase();
  return /^([0-9A-F]{2}){3,5}$|^([0-9A-F]{2}){7,8}$|^([0-9A-F]{2}){10}$/.test(plain) ? plain : null;
}

function fromDecimal(text) {
  if (!/^[0-9]{1,20}$/.test(text)) return null;
  const number = BigInt(text);
  const length = [4, 7, 8].find((bytes) => number < 1n << BigInt(8 * bytes));
  return length ? number.toString(16).toUpperCase().padStart(2 * length, "0") : null;
}

function fromFacility(text) {
  const found = /^([0-9]{1,3})[,. ]([0-9]{1,5})$/.exec(text);
  if (!found || found[1] > 255 || found[2] > 65535) return null;
  return Number(found[1] * 65536 + Number(found[2])).toString(16).toUpperCase().padStart(6, "0");
}

const reversed = (uid) => uid && uid.match(/../g).reverse().join("");
const FORMS = {
  hexadecimal: fromHexadecimal,
  hexadecimal_reversed: (text) => reversed(fromHexadecimal(text)),
  decimal: fromDecimal,
  decimal_reversed: (text) => reversed(fromDecimal(text)),
  facility_and_number: fromFacility,
};

function show() {
  const typed = field.value.trim();
  const uid = typed && FORMS[reader.value](typed);
  said.textContent = typed ? (uid ? `${said.dataset.words} ${uid.match(/../g).join(" ")}` : said.dataset.wrong) : "";
}

if (field) {
  field.addEventListener("input", show);
  reader.addEventListener("change", () => { show(); field.focus(); });
  field.addEventListener("focus", () => field.select());
  show();
}
