// Beside allauth's own scripts: a passkey is offered where the browser can use one, and what goes wrong is said.
// In a frame of another site no browser lets a page ask for one.
const canAsk = "PublicKeyCredential" in window && window.top === window
for (const each of document.querySelectorAll("[data-passkey]")) each.hidden = !canAsk

document.addEventListener("allauth.error", event => {
  event.preventDefault()
  document.getElementById("passkey-trouble").hidden = false
})
