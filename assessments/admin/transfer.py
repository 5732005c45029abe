"""Export and import of the catalogue in admin. An import shows its changes before it is applied."""

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
from assessments.models import CatalogueImport, ImportState
from assessments.transfer import plan
from integrations.models import User
from integrations.staff.model_admin import StaffAdmin

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


class CatalogueFileForm(forms.Form):
    file = forms.FileField(
        help_text="CSV or JSON in the format of the export; up to 8 MB.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty; choose another."},
    )
    retire_missing = forms.BooleanField(label="Retire packages that are not in the file", required=False)

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if (file.size or 0) > plan.MAX_BYTES:
            raise forms.ValidationError("The file is larger than 8 MB; split it.")
        return bytes(file.read())


class CatalogueTransferAdmin(StaffAdmin):
    """Mixin with the export and import pages."""

    def get_urls(self) -> list[URLPattern]:
        def build_route(pattern: str, view: Any, name: str) -> Any:
            return path(pattern, self.admin_site.admin_view(view), name=f"assessments_package_{name}")

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
        self._require_import_permission(request)
        form = CatalogueFileForm(request.POST, request.FILES) if request.method == "POST" else CatalogueFileForm()
        if not form.is_valid():
            return self._render_page(request, {"form": form})
        content, retire_missing = form.cleaned_data["file"], form.cleaned_data["retire_missing"]
        import_job = imports.start_import(by=cast(User, request.user), content=content, retire_missing=retire_missing)
        return redirect("admin:assessments_package_imported", key=import_job.pk)

    @csrf_protect_m
    def import_progress_view(self, request: HttpRequest, key: str) -> HttpResponse:
        """Show the progress, then the changes and warnings. A POST applies them as shown."""
        self._require_import_permission(request)
        import_job = get_object_or_404(CatalogueImport, pk=key)
        if request.method == "POST":
            is_checked, has_warnings = import_job.state == ImportState.CHECKED, import_job.shown.get("warning_count")
            if is_checked and has_warnings and "accept_warnings" not in request.POST:
                messages.warning(request, "Nothing was changed: confirm that the ids are right, or correct the file.")
            elif not imports.confirm_import(import_job):
                messages.warning(request, "This import is no longer waiting to be applied.")
            return redirect("admin:assessments_package_imported", key=key)
        counts = import_job.shown.get("counts", {})
        context = {
            "import_job": import_job,
            "counts_text": ", ".join(f"{counts[kind]:,} {kind}" for kind in plan.CHANGE_KINDS if kind in counts),
            "form": CatalogueFileForm(initial={"retire_missing": import_job.retire_missing}),
            "display_limit": imports.DISPLAY_LIMIT,
        }
        return self._render_page(request, context)

    def _render_page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Import packages"}
        context = shared | context
        return TemplateResponse(request, "admin/assessments/package/import.html", context)
