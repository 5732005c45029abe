"""What all of admin's pages have in common: acts with a confirmation page, rows that are only read, and the audit.

Imports no models: the outbox's admin uses it too, and the outbox knows nothing of connections. What must be recorded
goes to the admin site (config/admin/site.py), which writes the audit entry.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import csrf_protect_m
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from integrations import roles

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    ModelForm = forms.ModelForm[Any]
    TabularInline = admin.TabularInline[Any, Any]
    InlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    ModelAdmin, ModelForm, TabularInline = admin.ModelAdmin, forms.ModelForm, admin.TabularInline
    InlineFormSet = forms.BaseInlineFormSet


SECRET_LOOKUP = re.compile(r"secret|sealed|token|hash|password")


@dataclass(frozen=True)
class StreamLabel:
    """What people call a stream, and the page of whose it is; empty where it is nobody's."""

    label: str
    url: str = ""


class StaffSite(Protocol):
    """What the admin site does for its pages, since it knows all models."""

    def record_audit(self, request: HttpRequest, action: str, subject: object, **detail: Any) -> None: ...

    def get_audit_entries(self, subject: str) -> Sequence[Any]:
        """The newest audit entries of a subject."""

    def get_customer_names(self, subjects: Sequence[str]) -> dict[str, str]:
        """The names of the customers whose orders or companies these are."""

    def get_subject_url(self, subject: str) -> str:
        """The address of the page of what a delivery is about; empty where there is none."""

    def get_stream_labels(self, streams: Iterable[str]) -> dict[str, StreamLabel]:
        """Each of these streams as people know it."""

    def search_streams(self, term: str) -> Sequence[str]:
        """The streams of customers, companies and engines that are called like this."""


class ActionError(Exception):
    """An act cannot be done; the message is for the person who tried."""


@dataclass(frozen=True)
class ObjectAction:
    """Something staff may do to one row: a button on its page, then a page that says what will happen, then a POST."""

    name: str
    label: str
    perform: Callable[[HttpRequest, Any], str | HttpResponseBase]
    """Does it and says what happened, or answers with a page of its own. Raises ActionError."""
    consequences: Callable[[Any], Sequence[str]]
    is_available: Callable[[Any], bool] = lambda row: True
    is_destructive: bool = False
    permission: str = "change"
    """The verb of the permission that it needs; roles.py says which roles have it."""
    unavailable_reason: Callable[[Any], str] = lambda row: ""
    """Why it is not offered any more, where that can be told; it may have been while the page stood open."""
    requires_reason: bool = False
    """It is not done without a reason; `get_reason` reads it."""


MAX_REASON_LENGTH = 500


def get_reason(request: HttpRequest) -> str:
    """What somebody gave as a reason for an act that asks for one."""
    return request.POST.get("reason", "").strip()[:MAX_REASON_LENGTH]


def render_admin_link(row: Model | None, text: object = None) -> SafeString:
    """A link to a row's page in admin."""
    if row is None:
        return SafeString("–")
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
    return format_html('<a href="{}">{}</a>', url, text or row)


class StaffAdmin(ModelAdmin):
    plural: ClassVar[str] = ""
    """What staff call these rows, where the model's own name says less."""
    empty_list_text: ClassVar[str] = ""
    """What will stand in the list, and what makes it so."""
    audits_itself: ClassVar[bool] = False
    """The verbs that save these rows write the audit entries themselves."""
    change_form_template = "admin/portal_change_form.html"
    personal_fields: ClassVar[frozenset[str]] = frozenset()
    """Columns about candidates, by which only who may see them may look for rows."""

    def record_audit(self, request: HttpRequest, action: str, subject: object, **detail: Any) -> None:
        self.staff_site.record_audit(request, action, subject, **detail)

    @property
    def staff_site(self) -> StaffSite:
        return cast(StaffSite, self.admin_site)

    def get_audit_subject(self, row: Any) -> str:
        """Under which name audit entries speak of this row."""
        return str(row.pk)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._audit_model_change(request, "added", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._audit_model_change(request, "changed", obj, changes=message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Model]) -> Any:
        for row in queryset:
            self._audit_model_change(request, "deleted", row)
        return super().log_deletions(request, queryset)

    def _audit_model_change(self, request: HttpRequest, event: str, row: Model, **detail: Any) -> None:
        if not self.audits_itself:
            self.record_audit(
                request, f"{self.opts.model_name}.{event}", self.get_audit_subject(row), name=str(row), **detail
            )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Not by a secret: `?client_secret__startswith=` would tell it letter by letter. Nor by what is hidden."""
        is_secret = SECRET_LOOKUP.search(lookup) is not None
        if lookup.partition("__")[0] in self.personal_fields and not (request and can_see_personal(request)):
            return False
        return not is_secret and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """By an id as it is, or as Django's links quote it: the `_` of an order's id is `_5F` there."""
        from_field = from_field or None  # an empty one came as `?_to_field=`
        found = super().get_object(request, object_id, from_field)
        return found or super().get_object(request, unquote(object_id), from_field)

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return ()

    def can_act(self, request: HttpRequest, permission: str = "change") -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.{permission}_{self.opts.model_name}")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.object_action_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        return [path("<path:object_id>/act/<slug:name>/", view, name=name), *super().get_urls()]

    def get_available_actions(self, request: HttpRequest, row: Any) -> list[ObjectAction]:
        return [
            act for act in self.get_object_actions() if self.can_act(request, act.permission) and act.is_available(row)
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A filter's value that no query can hold, like the year -1, counts like one that is none."""
        title = {"title": self.plural or capfirst(str(self.opts.verbose_name_plural))}
        try:
            return super().changelist_view(request, title | (extra_context or {}))
        except (DataError, OverflowError, ValueError):
            if ERROR_FLAG in request.GET:
                raise
            return redirect(f"{request.path}?{ERROR_FLAG}=1")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            return super().change_view(request, object_id, form_url, extra_context)
        context = {"object_actions": self.get_available_actions(request, row), "title": str(row), "subtitle": None}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who did or saw what: the audit's entries of this row."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": f"History: {row}",
            "entries": self.staff_site.get_audit_entries(self.get_audit_subject(row)),
            "back_url": self.get_change_url(row),
        }
        return TemplateResponse(request, "admin/history.html", context)

    @csrf_protect_m
    def object_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        """GET says what will happen, POST does it."""
        row = self.get_object(request, object_id)
        act = next((act for act in self.get_object_actions() if act.name == name), None)
        if row is None or act is None:
            raise Http404
        if not self.can_act(request, act.permission):
            raise PermissionDenied
        if not act.is_available(row):
            messages.warning(request, act.unavailable_reason(row) or f"“{act.label}” is not possible here any more.")
            return redirect(self.get_change_url(row))
        is_without_reason = act.requires_reason and not get_reason(request)
        if request.method == "POST" and is_without_reason:
            messages.error(request, "Nothing was done: say why first.")
        if request.method != "POST" or is_without_reason:
            return TemplateResponse(request, "admin/act.html", self._build_confirmation(request, row, act))
        try:
            outcome = act.perform(request, row)
        except ActionError as refusal:
            messages.error(request, str(refusal))
        else:
            if isinstance(outcome, HttpResponseBase):
                return outcome
            messages.success(request, outcome)
        return redirect(self.get_change_url(row))

    def _build_confirmation(self, request: HttpRequest, row: Any, action: ObjectAction) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "action": action,
            "consequences": action.consequences(row),
            "max_reason_length": MAX_REASON_LENGTH,
            "back_url": self.get_change_url(row),
            "title": f"{action.label}: {row}",
        }

    def get_change_url(self, row: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(row.pk)])


def can_see_personal(request: HttpRequest) -> bool:
    """Candidates' names, addresses, answers and reports, and the calls that carried them."""
    return request.user.has_perm(roles.PERSONAL_DATA_PERMISSION)


class LabelledForm(ModelForm):
    """For rows of a table, whose inputs have no label but the column's heading: screen readers need one at each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            widget: Any = getattr(field.widget, "widget", field.widget)  # admin wraps those of related rows
            widget.attrs.setdefault("aria-label", capfirst(str(field.label or name)))


class LabelledFormSet(InlineFormSet):
    deletion_widget = forms.CheckboxInput(attrs={"aria-label": "Delete"})  # type: ignore[assignment]


class EditableInline(TabularInline):
    """Rows that are edited in a table."""

    form = LabelledForm
    formset = LabelledFormSet
    extra = 0


class ReadOnlyMixin:
    """Rows that only the portal itself writes."""

    def has_add_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def has_delete_permission(self, *args: Any, **kwargs: Any) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, StaffAdmin):
    pass


class ReadOnlyInline(ReadOnlyMixin, TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False
    template = "admin/portal_rows.html"
