"""Base classes of the admin: object actions with a confirmation page, read-only models, and the audit log.

Imports no models, since the outbox's admin uses it too and must not depend on connections. The admin site
(config/admin/site.py) writes the audit entries.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import get_fields_from_path, quote, unquote
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import AutocompleteSelect
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
from integrations.staff import autocomplete

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    ModelForm = forms.ModelForm[Any]
    StackedInline = admin.StackedInline[Any, Any]
    TabularInline = admin.TabularInline[Any, Any]
    InlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    ModelAdmin, ModelForm = admin.ModelAdmin, forms.ModelForm
    StackedInline, TabularInline = admin.StackedInline, admin.TabularInline
    InlineFormSet = forms.BaseInlineFormSet


@dataclass(frozen=True)
class StreamLabel:
    """Label of a stream and the URL of its owner's page, if it has one."""

    label: str
    url: str = ""


class StaffSite(Protocol):
    """Services of the admin site, which knows all models and users."""

    def require_reauthentication(self, request: HttpRequest) -> None:
        """Interrupt the view unless the user authenticated recently."""

    def record_audit(self, request: HttpRequest, action: str, subject: object, **detail: Any) -> None: ...

    def get_audit_entries(self, subject: str) -> Sequence[Any]:
        """Return the newest audit entries of a subject."""

    def get_customer_names(self, subjects: Sequence[str]) -> dict[str, str]:
        """Return the names of the customers that own these orders and companies."""

    def get_subject_url(self, subject: str) -> str:
        """Return the URL of the page of a delivery's subject, or ""."""

    def get_stream_labels(self, streams: Iterable[str]) -> dict[str, StreamLabel]:
        """Return the labels of these streams."""

    def search_streams(self, term: str) -> Sequence[str]:
        """Return the streams of customers, companies and engines with the term in their names."""


class ActionError(Exception):
    """The action is not possible. The message is shown to the user."""


@dataclass(frozen=True)
class ObjectAction:
    """Action on one row: a button on its page, then a confirmation page with the consequences, then a POST.

    A grave action needs a recent authentication.

    `perform` returns a success message or a response, or raises ActionError. `permission` is the verb of the required
    permission, see roles.py. `unavailable_reason` explains why an action is gone that was offered when the page was
    loaded. `get_reason` reads the reason that `requires_reason` demands, and `get_choice` which of `choices` was
    chosen, pairs of a value and its label.
    """

    name: str
    label: str
    perform: Callable[[HttpRequest, Any], str | HttpResponseBase]
    consequences: Callable[[Any], Sequence[str]]
    is_available: Callable[[Any], bool] = lambda row: True
    is_destructive: bool = False
    is_grave: bool = False
    permission: str = "change"
    unavailable_reason: Callable[[Any], str] = lambda row: ""
    requires_reason: bool = False
    choice_label: str = ""
    choices: Callable[[Any], Sequence[tuple[str, str]]] = lambda row: ()

    def find_problem(self, request: HttpRequest, row: Any) -> str:
        """Return what the form lacks, or an empty string."""
        if self.choice_label and get_choice(request) not in dict(self.choices(row)):
            return f"Choose the {self.choice_label} first."
        return "Enter a reason first." if self.requires_reason and not get_reason(request) else ""


MAX_REASON_LENGTH = 500
SLUG_SCRIPTS = ("/urlify.js", "/prepopulate.js", "/xregexp.min.js", "/xregexp.js")


def get_reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[:MAX_REASON_LENGTH]


def get_choice(request: HttpRequest) -> str:
    return request.POST.get("choice", "")


def render_admin_link(row: Model | None, text: object = None) -> SafeString:
    """Render a link to a row's admin page, or "–"."""
    if row is None:
        return SafeString("–")
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
    return format_html('<a href="{}">{}</a>', url, text or row)


def link_column(field: str, *, ordering: str) -> Callable[[Any, Any], SafeString]:
    """Return an admin column with a link to the row in the foreign key `field`, sorted by the lookup `ordering`."""

    @admin.display(description=field, ordering=ordering)
    def render_column(_admin: Any, row: Any) -> SafeString:
        return render_admin_link(getattr(row, field))

    return render_column


class AutocompleteMixin:
    """Makes selects of related rows searchable as soon as there are many rows."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        model = db_field.related_model
        if autocomplete.is_searchable(model) and autocomplete.has_many_options(model._default_manager.all()):
            kwargs.setdefault("widget", AutocompleteSelect(db_field, admin.site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class StaffAdmin(AutocompleteMixin, ModelAdmin):
    """Admin of one model, with object actions and audit entries.

    `plural` replaces the model's plural name. `empty_list_text` says what appears in the list and how. With
    `audits_itself`, the functions that save rows write the audit entries. With `is_grave`, saving and deleting rows
    asks again who acts. `linked_lookups` are the lookups of links to its list, besides those of its filters.
    Without `has_history`, a row never changes.
    """

    plural: ClassVar[str] = ""
    empty_list_text: ClassVar[str] = ""
    audits_itself: ClassVar[bool] = False
    has_history: ClassVar[bool] = True
    is_grave: ClassVar[bool] = False
    change_form_template = "admin/portal_change_form.html"
    linked_lookups: ClassVar[tuple[str, ...]] = ()

    @property
    def media(self) -> forms.Media:
        """Leave out the scripts that generate slugs, and the library for them."""
        media: Any = super().media
        return forms.Media(css=media._css, js=[path for path in media._js if not path.endswith(SLUG_SCRIPTS)])

    def record_audit(self, request: HttpRequest, action: str, subject: object, **detail: Any) -> None:
        self.staff_site.record_audit(request, action, subject, **detail)

    @property
    def staff_site(self) -> StaffSite:
        return cast(StaffSite, self.admin_site)

    def get_audit_subject(self, row: Any) -> str:
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
        """Allow the lookups of the page's own filters and links only; any other one is a 400.

        Django's admin takes any lookup on any column. A regular expression can stop the database, and
        `?launch_url__startswith=` reveals a hidden column letter by letter.
        """
        return lookup in self.get_lookups(request)

    def get_lookups(self, request: HttpRequest | None = None) -> set[str]:
        filters = self.get_list_filter(request) if request else self.list_filter
        lookups = {name for each in filters for name in self._get_filter_parameters(each)}
        if self.date_hierarchy:
            lookups |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        return lookups | set(self.linked_lookups)

    def _get_filter_parameters(self, list_filter: Any) -> Iterable[str]:
        """Return the URL parameters of an entry of `list_filter`, without its queries for the choices."""
        if not isinstance(list_filter, str):
            return (list_filter.parameter_name,)
        field: Any = get_fields_from_path(self.model, list_filter)[-1]
        exact = f"{list_filter}__{field.target_field.name}__exact" if field.is_relation else f"{list_filter}__exact"
        return (list_filter, exact, f"{list_filter}__isnull")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """Return the row by its id, as it is or quoted as in Django's links (`_` as `_5F`)."""
        from_field = from_field or None  # "" comes from `?_to_field=`
        row = super().get_object(request, object_id, from_field)
        return row or super().get_object(request, unquote(object_id), from_field)

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return ()

    def can_act(self, request: HttpRequest, permission: str = "change") -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.{permission}_{self.opts.model_name}")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.object_action_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        return [path("<path:object_id>/act/<slug:name>/", view, name=name), *super().get_urls()]

    def get_available_actions(self, request: HttpRequest, row: Any) -> list[ObjectAction]:
        actions = self.get_object_actions()
        return [each for each in actions if self.can_act(request, each.permission) and each.is_available(row)]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Treat a filter value that the database refuses, like the year -1, as an invalid one."""
        self._require_reauthentication(request)
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

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self._require_reauthentication(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._require_reauthentication(request)
        return super().delete_view(request, object_id, extra_context)

    def _require_reauthentication(self, request: HttpRequest) -> None:
        if self.is_grave and request.method == "POST" and self.can_act(request):
            self.staff_site.require_reauthentication(request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not (self.has_view_or_change_permission(request, row) and can_see_audit(request)):
            raise PermissionDenied
        entries = self.staff_site.get_audit_entries(self.get_audit_subject(row))
        return self.render_object_page(request, row, "admin/history.html", f"History: {row}", entries=entries)

    def object_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        """Confirm the action on GET, perform it on POST."""
        row = self.get_object(request, object_id)
        action = next((each for each in self.get_object_actions() if each.name == name), None)
        if row is None or action is None:
            raise Http404
        if not self.can_act(request, action.permission):
            raise PermissionDenied
        if action.is_grave:
            self.staff_site.require_reauthentication(request)
        if not action.is_available(row):
            messages.warning(request, action.unavailable_reason(row) or f"“{action.label}” is no longer available.")
            return redirect(self.get_change_url(row))
        problem = action.find_problem(request, row) if request.method == "POST" else ""
        if problem:
            messages.error(request, f"Nothing was changed. {problem}")
        if request.method != "POST" or problem:
            return self._render_confirmation(request, row, action)
        try:
            outcome = action.perform(request, row)
        except ActionError as error:
            messages.error(request, str(error))
        else:
            if isinstance(outcome, HttpResponseBase):
                return outcome
            messages.success(request, outcome)
        return redirect(self.get_change_url(row))

    def _render_confirmation(self, request: HttpRequest, row: Any, action: ObjectAction) -> TemplateResponse:
        context = {
            "action": action,
            "consequences": action.consequences(row),
            "choices": action.choices(row),
            "chosen": get_choice(request),
            "reason": get_reason(request),
            "max_reason_length": MAX_REASON_LENGTH,
        }
        return self.render_object_page(request, row, "admin/act.html", f"{action.label}: {row}", **context)

    def render_object_page(
        self, request: HttpRequest, row: Any, template: str, title: str, **context: Any
    ) -> TemplateResponse:
        """Render a page about the row that leads back to its change page."""
        context |= {"opts": self.opts, "original": row, "title": title, "back_url": self.get_change_url(row)}
        return TemplateResponse(request, template, self.admin_site.each_context(request) | context)

    def get_change_url(self, row: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(row.pk)])


def can_see_personal(request: HttpRequest) -> bool:
    """Return True if the user may see candidates' personal data."""
    return request.user.has_perm(roles.PERSONAL_DATA_PERMISSION)


def can_see_audit(request: HttpRequest) -> bool:
    """Return True if the user may see the audit log."""
    return request.user.has_perm(roles.AUDIT_PERMISSION)


class LabelledForm(ModelForm):
    """Form in a table row. Screen readers need a label at each input, not only the column's heading.

    Errors of hidden inputs are errors of the row: Django's admin renders no others of them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            widget: Any = getattr(field.widget, "widget", field.widget)  # admin wraps the widgets of related fields
            widget.attrs.setdefault("aria-label", capfirst(str(field.label or name)))

    def full_clean(self) -> None:
        super().full_clean()
        for field in self.hidden_fields():
            for message in self.errors.pop(field.name, []):
                self.add_error(None, f"{field.label}: {message}")


class LabelledFormSet(InlineFormSet):
    deletion_widget = forms.CheckboxInput(attrs={"aria-label": "Delete"})  # type: ignore[assignment]

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        # The hidden input of a parent that is being added has the primary key that was typed before. If that one was
        # refused and another one is typed, the row would be refused for ever.
        form.fields[self.fk.name].disabled = self.instance._state.adding  # type: ignore[attr-defined]


class EditableInline(AutocompleteMixin, TabularInline):
    form = LabelledForm
    formset = LabelledFormSet
    extra = 0


class StackedEditableInline(AutocompleteMixin, StackedInline):
    """Rows with more fields than fit beside each other. Those of one line of `fields` share it as far as they fit."""

    form = LabelledForm
    formset = LabelledFormSet
    extra = 0


class ReadOnlyMixin:
    """Disables adding, changing and deleting: only the portal writes these rows."""

    def _deny(self, *args: Any, **kwargs: Any) -> bool:
        return False

    has_add_permission = has_change_permission = has_delete_permission = _deny


class ReadOnlyAdmin(ReadOnlyMixin, StaffAdmin):
    pass


class ReadOnlyInline(ReadOnlyMixin, TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False
    template = "admin/portal_rows.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields
