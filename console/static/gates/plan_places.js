// Placing gates: marks are dragged, or moved with the arrow keys; what is sent are the figures beside the picture.

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.5;
const LARGE = 5;
const texts = JSON.parse(document.getElementById("texts").textContent);
const plan = document.getElementById("plan");
const marks = document.getElementById("marks");
const said = document.getElementById("places-said");
const height = Number(plan.dataset.height);
const filled = (key, values) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

function shape(name, attributes, ...content) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** One gate: its row of figures, and its mark while it stands on the picture. */
class Gate {
  constructor(row) {
    this.row = row;
    this.title = row.dataset.title;
    [this.x, this.y] = row.querySelectorAll("input");
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "plain";
    this.button.addEventListener("click", () => this.toggle());
    row.append(document.createElement("td"));
    row.lastElementChild.append(this.button);
    for (const input of [this.x, this.y]) input.addEventListener("input", () => this.draw());
    row.addEventListener("pointerenter", () => this.mark?.classList.add("pointed"));
    this.draw();
  }

  get at() {
    const [x, y] = [this.x.value, this.y.value];
    return x === "" || y === "" ? null : [Number(x), Number(y)];
  }

  put(x, y) {
    const within = (value) => (Math.round(Math.min(100, Math.max(0, value)) * 10) / 10).toFixed(1);
    this.x.value = within(x);
    this.y.value = within(y);
    this.draw();
  }

  toggle() {
    if (this.at) {
      this.x.value = "";
      this.y.value = "";
      this.draw();
      return;
    }
    this.put(50, 50);
    this.mark.focus();
  }

  draw() {
    this.button.textContent = this.at ? "✕" : "＋";
    this.button.setAttribute("aria-label", filled(this.at ? "plan.take_off" : "plan.put", { gate: this.title }));
    if (!this.at) {
      this.mark?.remove();
      this.mark = null;
      return;
    }
    this.mark ??= this.makeMark();
    const [x, y] = this.at;
    this.mark.setAttribute("transform", `translate(${x * 10} ${(y * height) / 100})`);
    this.mark.setAttribute("aria-label", filled("plan.at", { gate: this.title, x: this.x.value, y: this.y.value }));
  }

  makeMark() {
    const mark = shape("g", { class: "mover", tabindex: "0", role: "button" },
      shape("circle", { r: 13, class: "spot" }), shape("text", { class: "name", y: 28 }, this.title));
    mark.addEventListener("focus", () => this.choose(true));
    mark.addEventListener("blur", () => this.choose(false));
    mark.addEventListener("keydown", (event) => this.key(event));
    mark.addEventListener("pointerdown", (event) => this.drag(event));
    marks.append(mark);
    return mark;
  }

  choose(isChosen) {
    this.row.classList.toggle("chosen", isChosen);
    if (isChosen) this.row.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const step = event.shiftKey ? LARGE : STEP;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const [x, y] = this.at;
    if (event.key in moves) this.put(x + moves[event.key][0], y + moves[event.key][1]);
    else if (event.key === "Delete" || event.key === "Backspace") {
      this.toggle();
      this.button.focus();
    } else return;
    event.preventDefault();
    said.textContent = this.mark ? this.mark.getAttribute("aria-label") : "";
  }

  drag(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const { mark } = this;
    mark.focus();
    mark.setPointerCapture(event.pointerId);
    mark.classList.add("taken");
    const move = (moved) => {
      const at = new DOMPoint(moved.clientX, moved.clientY).matrixTransform(plan.getScreenCTM().inverse());
      this.put(at.x / 10, (at.y / height) * 100);
    };
    const end = () => {
      mark.removeEventListener("pointermove", move);
      mark.classList.remove("taken");
    };
    mark.addEventListener("pointermove", move);
    mark.addEventListener("pointerup", end, { once: true });
    mark.addEventListener("pointercancel", end, { once: true });
  }
}

for (const row of document.querySelectorAll(".plan-list tbody tr")) new Gate(row);
document.querySelector(".plan-list thead tr").append(document.createElement("td"));
