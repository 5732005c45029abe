"""The catalogue as a file, in admin: out, and in again after a look at what would change."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from assessments import imports
from assessments.models import CatalogueImport
from assessments.transfer import plan
from integrations.models import User
from integrations.staff.model_admin import StaffAdmin

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


class CatalogueFileForm(forms.Form):
    file = forms.FileField(
        help_text="CSV or JSON, as the export writes it; up to 8 MB.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty: choose another."},
    )
    retire_missing = forms.BooleanField(label="Retire packages that are not in the file", required=False)

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if (file.size or 0) > plan.MAX_BYTES:
            raise forms.ValidationError("The file is larger than 8 MB: split it.")
        content: bytes = file.read()
        return content


class CatalogueTransferAdmin(StaffAdmin):
    """Export and import, for the packages' admin."""

    def get_urls(self) -> list[URLPattern]:
        def build_route(pattern: str, view: Any, name: str) -> URLPattern:
            guarded: Any = self.admin_site.admin_view(view)
            found: URLPattern = path(pattern, guarded, name=f"assessments_package_{name}")
            return found

        return [
            build_route("export/<slug:form>/", self.export_view, "export"),
            build_route("import/", self.import_view, "import"),
            build_route("import/<slug:key>/", self.import_progress_view, "imported"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest, form: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if form not in plan.FORMATS:
            raise Http404
        response = HttpResponse(plan.export_catalogue(form), content_type=CONTENT_TYPES[form])
        response["Content-Disposition"] = f'attachment; filename="catalogue-{timezone.now():%Y-%m-%d}.{form}"'
        return response

    def _require_import_permission(self, request: HttpRequest) -> None:
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied

    @csrf_protect_m
    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Takes a file to be looked through."""
        self._require_import_permission(request)
        form = CatalogueFileForm(request.POST, request.FILES) if request.method == "POST" else CatalogueFileForm()
        if not form.is_valid():
            return self._render_page(request, {"form": form})
        wish = {"content": form.cleaned_data["file"], "retire_missing": form.cleaned_data["retire_missing"]}
        begun = imports.start_import(by=cast(User, request.user), **wish)
        return redirect("admin:assessments_package_imported", key=begun.pk)

    @csrf_protect_m
    def import_progress_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """How far it is, then what would change; a POST has it applied as it was shown."""
        self._require_import_permission(request)
        found = get_object_or_404(CatalogueImport, pk=key)
        if request.method == "POST":
            if not imports.confirm_import(found):
                messages.warning(request, "This is not waiting to be applied any more.")
            return redirect("admin:assessments_package_imported", key=key)
        form = CatalogueFileForm(initial={"retire_missing": found.retire_missing})
        told = found.shown.get("counts", {})
        counts = ", ".join(f"{told[kind]:,} {kind}" for kind in plan.CHANGE_KINDS if kind in told)
        return self._render_page(
            request, {"import_job": found, "counts_text": counts, "form": form, "display_limit": imports.DISPLAY_LIMIT}
        )

    def _render_page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        about = {"opts": self.opts, "title": "Import packages"}
        context = {**self.admin_site.each_context(request), **about, **context}
        return TemplateResponse(request, "admin/assessments/package/import.html", context)
