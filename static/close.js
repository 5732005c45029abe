// In POPUP mode: tells the page that opened or frames this one how it ended, in one word and nothing of anybody. A
// window that SmartRecruiters opened may be closed by its own page, too; a tab or a frame may not.
const place = document.querySelector("[data-close]")
const beyond = window.top === window ? window.opener : window.parent
if (beyond) beyond.postMessage({ consent: place.dataset.outcome }, "*")
if (window.opener && window.top === window) {
  place.hidden = false
  place.querySelector("button").addEventListener("click", () => window.close())
}
