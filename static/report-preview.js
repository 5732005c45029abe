// Show the result in the panel, as the recruiter will see it, while it is typed.
const report = document.getElementById("report");
let timer, latest;

async function updatePreview() {
  const form = new FormData(report);
  form.delete("report");
  const current = (latest = {});
  const response = await fetch(report.dataset.preview, { method: "POST", body: form });
  if (!response.ok || latest !== current) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.getElementById("panel").replaceWith(page.getElementById("panel"));
}

report.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(updatePreview, 300);
});
