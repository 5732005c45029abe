"""People: a customer's, who sign in to connect, and partner staff."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations import sessions
from integrations.addresses import address_of
from integrations.models import User
from integrations.shown import switch, when
from integrations.staff import Act, ModelForm, Refusal, StaffAdmin, link

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[User]
else:
    CreationForm = BaseUserCreationForm


class CleanUser:
    """What the database demands, said at the field where it can be mended."""

    cleaned_data: dict[str, Any]

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        super().clean()  # type: ignore[misc]
        if self.cleaned_data.get("is_staff") and self.cleaned_data.get("customer"):
            self.add_error("customer", "Partner staff belong to no customer.")  # type: ignore[attr-defined]
        return self.cleaned_data


class UserAddForm(CleanUser, CreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "customer", "may_connect", "is_staff")


class UserForm(CleanUser, ModelForm):
    class Meta:
        model = User
        fields = ("email", "name", "customer", "may_connect", "is_staff", "is_superuser", "is_active")


@admin.register(User)
class UserAdmin(StaffAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    plural = "People"
    form = UserForm
    add_form = UserAddForm
    add_form_template = None
    change_form_template = StaffAdmin.change_form_template
    list_display = ("email", "name", "customer_", "is_staff", "may_connect", "is_active_", "last_login_")
    list_filter = ("is_staff", "is_active", "may_connect", "customer")
    list_select_related = ("customer",)
    search_fields = ("email", "name", "customer__name")
    search_help_text = "By e-mail address, name or customer."
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("password_", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "customer", "may_connect")}),
        ("Sign-in", {"fields": ("is_active", "password_", "last_login", "date_joined")}),
        ("Partner staff", {"fields": ("is_staff", "is_superuser")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "customer", "may_connect")}),
        ("Partner staff", {"fields": ("is_staff",)}),
        ("Password", {"fields": ("password1", "password2")}),
    )

    def acts(self) -> Sequence[Act]:
        consequences = ["Every session of this person ends at once, in every browser.", "Nothing else is changed."]
        return (Act("sign-out", "Sign out everywhere", self._sign_out, lambda user: consequences),)

    def _sign_out(self, request: HttpRequest, user: User) -> str:
        if not self._may_touch(request, user):
            raise Refusal("Only an administrator does this to partner staff.")
        count = sessions.end_all(user, by=cast(User, request.user), address=address_of(request))
        return f"Signed out of {count} browsers."

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Only a superuser makes superusers and staff."""
        others = () if request.user.is_superuser else ("is_superuser", "is_staff")
        return (*self.readonly_fields, *others)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj != request.user and self._may_touch(request, obj) and super().has_delete_permission(request, obj)

    @staticmethod
    def _may_touch(request: HttpRequest, user: User | None) -> bool:
        return user is None or request.user.is_superuser or not (user.is_superuser or user.is_staff)

    @admin.display(description="customer", ordering="customer__name")
    def customer_(self, user: User) -> SafeString:
        return link(user.customer)

    @admin.display(description="state", ordering="is_active")
    def is_active_(self, user: User) -> SafeString:
        return switch(user.is_active, "Active", "Switched off")

    @admin.display(description="last sign-in", ordering="last_login")
    def last_login_(self, user: User) -> SafeString | str:
        return when(user.last_login)

    @admin.display(description="password")
    def password_(self, user: User) -> SafeString:
        said = "Set." if user.has_usable_password() else "None: this person cannot sign in by password."
        url = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('{} <a href="{}">Set a new one</a>', said, url)
