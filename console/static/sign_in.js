// Says before a password is sent that a browser would keep no sign-in on this address.

const warning = document.getElementById("unencrypted");
if (warning) warning.hidden = window.isSecureContext;
