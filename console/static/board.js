// The live board: draws what the stream of server-sent events says. The browser reconnects by itself and names the
// last event it has seen, so nothing is shown twice and nothing is missed.
"use strict";

const texts = JSON.parse(document.getElementById("texts").textContent);
const stream = new EventSource(document.currentScript.dataset.stream);
const link = document.getElementById("link");
const MOST_EVENTS = 100;

const text = (key) => texts[key] ?? key.split(".").pop().replaceAll("_", " ");

function element(name, className, content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

function presence(label, status) {
  const made = element("li", `presence ${status}`);
  made.append(element("span", "dot"), `${text(label)}: ${text(`presence.${status}`)}`);
  return made;
}

function gateCard(view) {
  const status = view.door ? view.door.state : "unknown";
  const card = element("article", `card gate door-${status}`);
  card.dataset.gate = view.gate;
  card.append(element("h2", "", view.gate), element("p", "door", text(`door.${status}`)));
  const there = element("ul", "presences");
  there.append(presence("controller", view.controller), presence("camera_node", view.edge));
  card.append(there);
  return card;
}

function clock(moment) {
  return new Date(moment).toLocaleTimeString(document.documentElement.lang, { hour12: false });
}

function eventRow(event) {
  const outcome = event.granted === true ? "granted" : event.granted === false ? "refused" : "";
  const row = element("tr", outcome);
  row.dataset.kind = event.kind;
  const late = event.historical ? ` (${text("historical")})` : "";
  const cells = [
    clock(event.at),
    event.gate,
    text(event.kind) + late,
    event.person ?? "",
    event.method ? text(`method.${event.method}`) : "",
    event.reason ? text(event.reason) : "",
    event.latency_ms === null ? "" : `${Math.round(event.latency_ms)} ms`,
  ];
  cells.forEach((content, index) => row.append(element("td", index === 6 ? "number" : "", content)));
  return row;
}

stream.addEventListener("open", () => {
  link.textContent = text("live");
  link.className = "link live";
});

stream.addEventListener("error", () => {
  link.textContent = text("lost");
  link.className = "link lost";
});

stream.addEventListener("gates", (message) => {
  const views = JSON.parse(message.data);
  const gates = document.getElementById("gates");
  gates.replaceChildren(...views.map(gateCard));
  if (views.length === 0) gates.append(element("p", "empty", text("no_gates")));
});

stream.addEventListener("passage", (message) => {
  const events = document.getElementById("events");
  events.querySelector(".empty")?.remove();
  events.prepend(eventRow(JSON.parse(message.data)));
  while (events.rows.length > MOST_EVENTS) events.deleteRow(-1);
});
