// What is typed but not saved would not be sent: the buttons beside the form wait until it is saved.
document.getElementById("partnerconfiguration_form").addEventListener("input", () => {
  for (const button of document.querySelectorAll("[data-when-saved] button")) {
    button.disabled = true;
    button.title = "Save first";
  }
});
