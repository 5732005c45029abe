// Publishing sends the saved configuration: disable its buttons while the form has unsaved changes.
document.getElementById("partnerconfiguration_form").addEventListener("input", () => {
  for (const button of document.querySelectorAll("[data-when-saved] button")) {
    button.disabled = true;
    button.title = "Save first";
  }
});
