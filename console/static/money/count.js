// Adds up notes and coins while they are counted; what is kept is added up by the server.

import { text } from "../page.js";

const form = document.querySelector("[data-count]");
const shown = form.querySelector("[data-sum]");

const plain = (typed) => typed.normalize("NFKC").replaceAll(",", "").replace("。", ".").trim();
const yuan = (fen) => `¥${Math.floor(fen / 100).toLocaleString("en")}.${String(fen % 100).padStart(2, "0")}`;

function add() {
  let fen = 0;
  for (const input of form.querySelectorAll("[data-fen]")) {
    const pieces = Number(plain(input.value) || "0");
    if (!Number.isInteger(pieces) || pieces < 0) {
      shown.hidden = true;
      return;
    }
    fen += pieces * Number(input.dataset.fen);
  }
  const opening = Math.round(Number(plain(form.elements.opening.value) || "0") * 100);
  const difference = fen - opening - Number(form.dataset.count);
  const words = difference === 0 ? "money.count_right" : difference > 0 ? "money.count_over" : "money.count_short";
  shown.hidden = fen === 0 || Number.isNaN(difference);
  shown.querySelector("strong").textContent = yuan(fen);
  shown.querySelector("span").textContent = text(words) + (difference ? ` ${yuan(Math.abs(difference))}` : "");
}

form.addEventListener("input", add);
add();
