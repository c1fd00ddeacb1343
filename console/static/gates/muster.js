// The muster list: times in the reader's own words, and a button to print.

const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
});

for (const time of document.querySelectorAll("time")) time.textContent = format.format(new Date(time.dateTime));
document.getElementById("print").addEventListener("click", () => print());
