// The state of every process: sections that follow the server.

import "../sign_in_again.js";
import { followMark, freshSections } from "../mark.js";

followMark(async () => {
  for (const [section, newer] of (await freshSections()) ?? []) {
    if (newer.innerHTML !== section.innerHTML) section.replaceChildren(...newer.childNodes);
  }
});
