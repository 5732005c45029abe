// A window that SmartRecruiters opened may be closed by its own page; a tab or a frame may not.
if (window.opener && window.top === window) {
  const place = document.querySelector("[data-close]")
  place.hidden = false
  place.querySelector("button").addEventListener("click", () => window.close())
}
