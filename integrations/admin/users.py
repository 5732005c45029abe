"""Admin of people: partner staff and customers' users. Only administrators may change them (roles.py)."""

from collections.abc import Sequence
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from integrations import mail
from integrations.accounts import emails, password_links, sessions
from integrations.accounts.mfa import policy
from integrations.audit import Actor
from integrations.customers import invitations, memberships
from integrations.models import Customer, Membership, User
from integrations.roles import MemberRole, StaffRole
from integrations.staff.autocomplete import offer_search
from integrations.staff.display import format_count, render_boolean_badge, time_column
from integrations.staff.model_admin import (
    EditableInline,
    LabelledFormSet,
    ModelForm,
    ObjectAction,
    StaffAdmin,
    get_reason,
    render_admin_link,
)

STAFF_HAS_NO_CUSTOMER = "Partner staff cannot belong to a customer."
NO_CUSTOMER_OR_ROLE = (
    "Choose a customer here or a staff role below. Without either, this person would have no access to anything."
)
STAFF_ROLE_LABELS = {"staff_role": "Staff role"}
STAFF_ROLE_HELP = {"staff_role": "Leave it empty for a customer’s users."}


class CleanEmailMixin:
    """Normalises the email address as the database requires it."""

    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()


class UserAddForm(CleanEmailMixin, ModelForm):
    """Form of a new person, who has no password until they choose one."""

    customer = forms.ModelChoiceField(Customer.objects, required=False, help_text="Leave it empty for partner staff.")
    role = forms.ChoiceField(
        label="Role in the organisation", choices=MemberRole.choices, initial=MemberRole.ADMINISTRATOR, required=False
    )
    sends_link = forms.BooleanField(
        label="Send a link to choose a password",
        initial=True,
        required=False,
        help_text="Not needed for people who sign in with your identity provider only.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.set_unusable_password()
        offer_search(self.fields["customer"], Membership._meta.get_field("customer"))  # type: ignore[arg-type]

    class Meta:
        model = User
        fields = ("email", "name", "staff_role")
        labels = STAFF_ROLE_LABELS
        help_texts = STAFF_ROLE_HELP

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("staff_role") and cleaned.get("customer"):
            self.add_error("customer", STAFF_HAS_NO_CUSTOMER)
        if not self.errors and not cleaned.get("staff_role") and not cleaned.get("customer"):
            self.add_error("customer", NO_CUSTOMER_OR_ROLE)
        return cleaned


class UserForm(CleanEmailMixin, ModelForm):
    class Meta:
        model = User
        fields = ("email", "name", "staff_role", "is_active")
        labels = STAFF_ROLE_LABELS | {"is_active": "Active"}
        help_texts = STAFF_ROLE_HELP | {"is_active": "Inactive people cannot sign in. Their sessions end at once."}

    def clean(self) -> dict[str, Any]:
        """Require at least one active administrator."""
        cleaned = super().clean() or {}
        stays = cleaned.get("staff_role") == StaffRole.ADMINISTRATOR and cleaned.get("is_active")
        others = User.objects.filter(staff_role=StaffRole.ADMINISTRATOR, is_active=True).exclude(pk=self.instance.pk)
        was = User.objects.filter(pk=self.instance.pk, staff_role=StaffRole.ADMINISTRATOR)
        if not stays and was.exists() and not others.exists():
            self.add_error(None, "This is the last administrator. Make someone else an administrator first.")
        return cleaned


def _describe_lifetime(user: User) -> str:
    is_first = password_links.get_lifetime(user) == password_links.FIRST_LIFETIME
    return "a week" if is_first else "an hour"


class MembershipFormSet(LabelledFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.has_changed() or form.instance.pk]
        if self.instance.is_staff and any(form not in self.deleted_forms for form in kept):
            raise forms.ValidationError(STAFF_HAS_NO_CUSTOMER)


class MembershipInline(EditableInline):
    model = Membership
    formset = MembershipFormSet
    fields = ("customer", "role")
    verbose_name, verbose_name_plural = "organisation", "organisations"


@admin.register(User)
class UserAdmin(StaffAdmin):
    plural = "People"
    is_grave = True
    form = UserForm
    list_display = ("email", "name", "staff_role_text", "organisation_links", "active_badge", "last_login_time")
    list_filter = ("staff_role", "is_active", "memberships__role", "customers")
    search_fields = ("email", "name", "customers__name")
    search_help_text = "By email address, name or customer."
    ordering = ("email",)
    readonly_fields = ("password_status", "last_login_time", "added_time")
    fieldsets = (
        (None, {"fields": ("email", "name", "staff_role")}),
        ("Sign-in", {"fields": ("is_active", "password_status", "last_login_time", "added_time")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name")}),
        ("Customer’s user", {"fields": ("customer", "role")}),
        ("Partner staff", {"fields": ("staff_role",)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sign_in = (("Sign-in", {"fields": ("sends_link",)}),) if settings.OIDC_ISSUER else ()
        return self.fieldsets if obj else (*self.add_fieldsets, *sign_in)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = UserAddForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        memberships_of_user = Membership.objects.select_related("customer")
        return super().get_queryset(request).prefetch_related(Prefetch("memberships", memberships_of_user))

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (MembershipInline,) if obj and not obj.is_staff else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "staff_role" in form.changed_data:
            former = {"former_role": form.initial["staff_role"]} if change else {}
            self.record_audit(request, "user.role_changed", obj.pk, name=obj.email, role=obj.staff_role, **former)
        if change and obj.email != (former_address := form.initial["email"]):
            emails.notify_change("email_changed", obj, to=former_address)
            # allauth's copy, by which the former address would still sign in
            EmailAddress.objects.filter(user=obj).delete()
        if not obj.is_active and "is_active" in form.changed_data:
            sessions.end_all(obj, actor=Actor.from_request(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the memberships, and audit each change with its roles."""
        former_roles = {each.instance.pk: each.initial.get("role") for each in formset.initial_forms}
        super().save_formset(request, form, formset, change)
        actor = Actor.from_request(request)
        for membership in formset.new_objects:
            memberships.record_change("membership.added", membership, actor)
        for membership, _ in formset.changed_objects:
            former_role = former_roles[membership.pk]
            memberships.record_change("membership.changed", membership, actor, former_role=former_role)
        for membership in formset.deleted_objects:
            memberships.record_change("membership.removed", membership, actor)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        actor = Actor.from_request(request)
        if not change and form.cleaned_data.get("customer"):
            role = form.cleaned_data["role"] or MemberRole.VIEWER
            memberships.add_member(form.instance, form.cleaned_data["customer"], role, actor=actor)
        for membership in Membership.objects.filter(person=form.instance).select_related("customer", "person"):
            invitations.revoke_for_member(membership, actor=actor)
        if not change and self._sends_link(form) and mail.is_email_enabled():
            password_links.send_link(form.instance, actor=actor)

    def _sends_link(self, form: Any) -> bool:
        return not settings.OIDC_ISSUER or form.cleaned_data["sends_link"]

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        if settings.OIDC_ISSUER and "sends_link" not in request.POST:
            messages.success(request, f"{obj.get_full_name()} was added. No email was sent.")
        elif mail.is_email_enabled():
            fate = mail.get_unsent_note() or f"on its way to {obj.email}"
            messages.success(request, f"{obj.get_full_name()} was added. A link to choose a password is {fate}.")
        else:
            note = "was added, but emails are not set up yet: use “Show link for a password”, and pass it on yourself."
            messages.warning(request, f"{obj.get_full_name()} {note}")
        return redirect(request.get_full_path() if "_addanother" in request.POST else self.get_change_url(obj))

    def get_object_actions(self) -> Sequence[ObjectAction]:
        consequences = ["All sessions of this person end immediately, in every browser.", "Nothing else changes."]
        return (
            ObjectAction(
                "send-password-link",
                "Send link for a new password",
                self._send_link,
                lambda user: [
                    f"An email with a link is {mail.get_unsent_note() or f'sent to {user.email}'}.",
                    f"It leads to choosing a new password, and works once, for {_describe_lifetime(user)}.",
                    "Until then nothing changes. The new password ends all sessions of this person.",
                    "The audit log records it. Nobody but this person learns the password.",
                ],
                lambda user: user.is_active and mail.is_email_enabled(),
                is_grave=True,
            ),
            ObjectAction(
                "show-password-link",
                "Show link for a password",
                self._reveal_link,
                lambda user: [
                    f"You see a link and pass it on to {user.email} yourself: emails are not set up yet. It leads to "
                    f"choosing a new password, and works once, for {_describe_lifetime(user)}.",
                    "Anyone with the link can sign in as this person. The audit log records that you saw it.",
                ],
                lambda user: user.is_active and not mail.is_email_enabled(),
                is_grave=True,
            ),
            ObjectAction("sign-out", "Sign out everywhere", self._sign_out, lambda user: consequences),
            ObjectAction(
                "remove-second-factor",
                "Remove second factor",
                self._remove_second_factor,
                lambda user: [
                    f"Be sure that {user.email} asks for it: call them on a number that you know, and note it below.",
                    "Their app, passkeys and recovery codes no longer work, and all their sessions end.",
                    "They sign in by password, and set up a new second factor where it is required.",
                    "They get an email about it. The audit log records it with your name and your reason.",
                ],
                lambda user: Authenticator.objects.filter(user=user).exists(),
                is_destructive=True,
                is_grave=True,
                unavailable_reason=lambda user: "This person has no second factor.",
                requires_reason=True,
            ),
        )

    def _send_link(self, request: HttpRequest, user: User) -> str:
        password_links.send_link(user, actor=Actor.from_request(request))
        return f"A link to choose a password is {mail.get_unsent_note() or f'on its way to {user.email}'}."

    def _reveal_link(self, request: HttpRequest, user: User) -> TemplateResponse:
        url = password_links.reveal_link(user, actor=Actor.from_request(request))
        template, title = "admin/integrations/user/link.html", f"Link for {user.email}"
        valid_until = timezone.now() + password_links.get_lifetime(user)
        return self.render_object_page(request, user, template, title, link=url, valid_until=valid_until)

    def _remove_second_factor(self, request: HttpRequest, user: User) -> str:
        policy.remove_second_factor(user, actor=Actor.from_request(request), reason=get_reason(request))
        return f"The second factor of {user.email} was removed. They were told by email."

    def _sign_out(self, request: HttpRequest, user: User) -> str:
        count = sessions.end_all(user, actor=Actor.from_request(request))
        return f"Signed out of {format_count(count, 'browser')}."

    @admin.display(description="staff role", ordering="staff_role")
    def staff_role_text(self, user: User) -> str:
        return user.staff_role.capitalize() or "–"

    @admin.display(description="organisations")
    def organisation_links(self, user: User) -> SafeString | str:
        links = [(render_admin_link(each.customer), each.role) for each in user.memberships.all()]
        return format_html_join(", ", "{} ({})", links) or "–"

    @admin.display(description="state", ordering="is_active")
    def active_badge(self, user: User) -> SafeString:
        return render_boolean_badge(user.is_active, "Active", "Inactive")

    last_login_time = time_column("last_login", "last sign-in")
    added_time = time_column("date_joined", "added")

    @admin.display(description="password")
    def password_status(self, user: User) -> str:
        return "Set." if user.has_usable_password() else "None: this person has not chosen one."
