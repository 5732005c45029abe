// In POPUP mode, send the outcome (one word, no personal data) to the page that opened or frames this one. Only a
// window that SmartRecruiters opened can also close itself; a tab or a frame cannot.
const closer = document.querySelector("[data-close]")
const host = window.top === window ? window.opener : window.parent
if (host) host.postMessage({ consent: closer.dataset.outcome }, "*")
if (window.opener && window.top === window) {
  closer.hidden = false
  closer.querySelector("button").addEventListener("click", () => window.close())
}
