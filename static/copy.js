// Add a button to each [data-copy], whose value says what it is, and to the values of each .pair, named by their terms.
// Browsers let pages copy over https and on localhost only.
const COPIED_MS = 2000;

function addButton(source) {
  const button = document.createElement("button");
  const word = document.createElement("span");
  const what = document.createElement("span");
  button.type = "button";
  button.className = "copy";
  word.textContent = "Copy";
  word.setAttribute("aria-live", "polite");
  what.className = "visually-hidden";
  what.textContent = ` ${source.dataset.copy ?? source.parentElement.previousElementSibling.textContent}`;
  button.append(word, what);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
    word.textContent = "Copied";
    setTimeout(() => (word.textContent = "Copy"), COPIED_MS);
  });
  source.after(button);
}

if (navigator.clipboard) document.querySelectorAll("[data-copy], .pair dd > code").forEach(addButton);
