// The muster list: who has reached the assembly point is counted as they are ticked off, and the others can be shown
// alone. What is ticked is kept by this window only: two lists at two doors are two counts.

const list = document.querySelector("table.muster");
document.getElementById("print").addEventListener("click", () => print());

if (list) {
  const boxes = [...list.querySelectorAll("input[type=checkbox]")];
  const counted = document.getElementById("counted");
  const only = document.getElementById("only-missing");
  const tell = () => {
    const safe = boxes.filter((one) => one.checked).length;
    counted.textContent = counted.dataset.words.replace("{safe}", safe).replace("{missing}", boxes.length - safe);
    for (const one of boxes) one.closest("tr").hidden = only.checked && one.checked;
  };
  list.addEventListener("change", tell);
  only.addEventListener("change", tell);
  document.getElementById("counting").hidden = false;
  tell();
}
