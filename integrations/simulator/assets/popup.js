// Opens the vendor's consent page as SmartRecruiters does, 600 px wide and 45 % of the screen high, and closes it
// once the credentials were exchanged, or the page reports that the request was denied.
"use strict";
const place = document.querySelector("[data-consent-url]");
const opener_ = document.querySelector("[data-open]");
const closed = document.querySelector("[data-closed]");
const denied = document.querySelector("[data-denied]");
let popup = null;
if (opener_) {
  opener_.addEventListener("click", () => {
    const height = Math.round(screen.availHeight * 0.45);
    popup = window.open(place.dataset.consentUrl, "consent", `popup,width=600,height=${height}`);
    closed.hidden = denied.hidden = true;
  });
}
window.addEventListener("message", (event) => {
  if (event.origin !== new URL(place.dataset.consentUrl).origin || event.data?.consent !== "denied") return;
  if (popup) popup.close();
  popup = null;
  for (const frame of document.querySelectorAll("iframe")) frame.hidden = true;
  if (closed) closed.hidden = true;
  denied.hidden = false;
});
async function poll() {
  const response = await fetch(place.dataset.stateUrl, { cache: "no-store" }).catch(() => null);
  if (response && response.ok && (await response.json()).connected) {
    if (popup) popup.close();
    location.assign(place.dataset.doneUrl);
    return;
  }
  // Closed without an answer: SmartRecruiters is not notified, only the window is gone.
  if (popup && popup.closed && closed) closed.hidden = false;
  setTimeout(poll, 1000);
}
poll();
