// Update the list when the form changes; without JavaScript, the button does it.
const form = document.getElementById("asking");
let timer, latest;

async function updateList() {
  const url = `?${new URLSearchParams(new FormData(form))}`;
  latest = url;
  const response = await fetch(url);
  if (!response.ok || latest !== url) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.getElementById("answer").replaceWith(page.getElementById("answer"));
  history.replaceState(null, "", url);
}

function scheduleUpdate() {
  clearTimeout(timer);
  if (form.checkValidity()) timer = setTimeout(updateList, 300);
}

form.addEventListener("input", scheduleUpdate);
// The search among many customers tells jQuery only.
window.django?.jQuery(form).on("change", "select.admin-autocomplete", scheduleUpdate);
