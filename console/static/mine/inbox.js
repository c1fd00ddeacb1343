// The inbox: a message that was opened counts as read.

import { byId, clock, element, keyed, post, setup, text } from "../page.js";

const language = document.documentElement.lang === "zh" ? "zh" : "en";

/** Shows the messages, newest first; `reload` is called when one was read. */
export function showNotices(notices, reload) {
  const unread = notices.filter((notice) => !notice.read_at).length;
  byId("unread").hidden = unread === 0;
  byId("unread").textContent = `${unread} ${text("inbox.unread")}`;
  keyed(byId("notices"), notices, (notice) => notice.id, (notice) => make(notice, reload), (shown, notice) => {
    shown.classList.toggle("unread", !notice.read_at);
  });
}

function make(notice, reload) {
  const words = notice.content[language];
  const opened = element(
    "details", "",
    element("summary", "", element("span", "dot-mark"), element("strong", "", words.title), clock(notice.at)),
    ...words.body.split("\n").map((line) => element("p", "", line)),
  );
  opened.addEventListener("toggle", async () => {
    if (!opened.open || !opened.parentElement.classList.contains("unread")) return;
    await post(`${setup.notices}/${notice.id}/read`, {}).catch(() => null);
    reload();
  });
  return element("li", "", opened);
}
