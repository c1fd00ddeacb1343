// The muster list: a button to print.

document.getElementById("print").addEventListener("click", () => print());
