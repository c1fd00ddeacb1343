import { keepForReturn } from "./typed.js";

// Says before a password is sent that a browser would keep no sign-in on this address.

const warning = document.getElementById("unencrypted");
if (warning) warning.hidden = window.isSecureContext;

if (new URLSearchParams(location.search).get("lost") === "form") keepForReturn();
