// After a form was refused, start at its first error, not in its first field. Django's own script, which does the latter,
// may run at any time before the page has loaded.
addEventListener("load", () => document.querySelector('[aria-invalid="true"]')?.focus());
