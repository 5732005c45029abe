"""The catalogue as a file, in admin: out, and in again after a look at what would change."""

import base64
import binascii
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from assessments.transfer import plan
from integrations.staff import StaffAdmin

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
SHOWN_AT_MOST = 200


class FileForm(forms.Form):
    """First the file; then, with a look at what it would change, the same content and that plan's digest."""

    file = forms.FileField(help_text="CSV or JSON, as the export writes it; up to 8 MB.", required=False)
    retire_missing = forms.BooleanField(label="Retire packages that are not in the file", required=False)
    content = forms.CharField(required=False, widget=forms.HiddenInput)
    digest = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file = cleaned.get("file")
        if file is not None and (file.size or 0) > plan.MAX_BYTES:
            raise forms.ValidationError("The file is larger than 8 MB: split it.")
        try:
            kept = base64.b64decode(cleaned.get("content", ""), validate=True)
        except binascii.Error:
            kept = b""
        cleaned["bytes"] = file.read() if file is not None else kept
        if not cleaned["bytes"]:
            raise forms.ValidationError("Choose a file.")
        return cleaned


class Transfer(StaffAdmin):
    """Export and import, for the packages' admin."""

    def get_urls(self) -> list[URLPattern]:
        def route(pattern: str, view: Any, name: str) -> URLPattern:
            guarded: Any = self.admin_site.admin_view(view)
            found: URLPattern = path(pattern, guarded, name=f"assessments_package_{name}")
            return found

        return [
            route("export/<slug:form>/", self.export_view, "export"),
            route("import/", self.import_view, "import"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if form not in plan.FORMATS:
            raise Http404
        response = HttpResponse(plan.export(form), content_type=TYPES[form])
        response["Content-Disposition"] = f'attachment; filename="catalogue-{timezone.now():%Y-%m-%d}.{form}"'
        return response

    @csrf_protect_m
    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A file is looked through; what was looked through is applied when it is posted with its plan's digest."""
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return self._asked(request, FileForm())
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._asked(request, form)
        if not form.cleaned_data["digest"] or form.cleaned_data["file"]:
            return self._shown(request, form, plan.make(**self._wish(form)))
        try:
            done = plan.apply(**self._wish(form), expected=form.cleaned_data["digest"])
        except plan.Moved as moved:
            messages.warning(request, str(moved))
            return self._shown(request, form, moved.plan)
        self.record(request, "catalogue.imported", "catalogue", counts=done.counts)
        messages.success(request, f"Imported: {in_words(done)}.")
        return redirect(reverse("admin:assessments_package_changelist"))

    def _wish(self, form: FileForm) -> dict[str, Any]:
        return {"content": form.cleaned_data["bytes"], "retire_missing": form.cleaned_data["retire_missing"]}

    def _asked(self, request: HttpRequest, form: FileForm) -> HttpResponse:
        return self._page(request, {"form": form})

    def _shown(self, request: HttpRequest, form: FileForm, found: plan.Plan) -> HttpResponse:
        """What the file would change, and the button that does it."""
        changes = [change for change in found.changes if change.kind != "unchanged"]
        kept = base64.b64encode(form.cleaned_data["bytes"]).decode()
        again = {"content": kept, "digest": found.digest, "retire_missing": form.cleaned_data["retire_missing"]}
        context = {
            "form": FileForm(initial={"retire_missing": again["retire_missing"]}),
            "again": again,
            "problems": found.problems[:SHOWN_AT_MOST],
            "problem_count": len(found.problems),
            "changes": changes[:SHOWN_AT_MOST],
            "change_count": len(changes),
            "in_words": in_words(found),
            "at_most": SHOWN_AT_MOST,
            "is_shown": True,
        }
        return self._page(request, context)

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        about = {"opts": self.opts, "title": "Import packages"}
        context = {**self.admin_site.each_context(request), **about, **context}
        return TemplateResponse(request, "admin/assessments/package/import.html", context)


def in_words(found: plan.Plan) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())
