// Opens the vendor's consent page as SmartRecruiters does, 600 px wide and 45 % of the screen high, and closes it
// when the exchange of credentials has happened.
"use strict";
const place = document.querySelector("[data-consent-url]");
const opener_ = document.querySelector("[data-open]");
const closed = document.querySelector("[data-closed]");
let popup = null;
if (opener_) {
  opener_.addEventListener("click", () => {
    const height = Math.round(screen.availHeight * 0.45);
    popup = window.open(place.dataset.consentUrl, "consent", `popup,width=600,height=${height}`);
    closed.hidden = true;
  });
}
async function look() {
  const answer = await fetch(place.dataset.stateUrl, { cache: "no-store" }).catch(() => null);
  if (answer && answer.ok && (await answer.json()).connected) {
    if (popup) popup.close();
    location.assign(place.dataset.doneUrl);
    return;
  }
  // Denied, or closed without an answer: nobody tells SmartRecruiters, but the window is gone.
  if (popup && popup.closed && closed) closed.hidden = false;
  setTimeout(look, 1000);
}
look();
