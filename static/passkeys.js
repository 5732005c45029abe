// Adds to allauth's scripts: offer a passkey only where the browser can use one, and show an error if it fails.
// Browsers do not allow passkeys in a frame of another site.
const canAsk = "PublicKeyCredential" in window && window.top === window
for (const element of document.querySelectorAll("[data-passkey]")) element.hidden = !canAsk

document.addEventListener("allauth.error", event => {
  event.preventDefault()
  document.getElementById("passkey-trouble").hidden = false
})
