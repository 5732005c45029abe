// The list follows what is chosen; without this, the button asks for it.
const asking = document.getElementById("asking");
let waiting, last;

async function ask() {
  const address = `?${new URLSearchParams(new FormData(asking))}`;
  last = address;
  const answer = await fetch(address);
  if (!answer.ok || last !== address) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("answer").replaceWith(page.getElementById("answer"));
  history.replaceState(null, "", address);
}

asking.addEventListener("input", () => {
  clearTimeout(waiting);
  if (asking.checkValidity()) waiting = setTimeout(ask, 300);
});
