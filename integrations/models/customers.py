"""Customers, users and memberships."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import get_random_string

from integrations import roles
from integrations.roles import MemberRole, StaffRole
from integrations.text import isolate_direction


def make_customer_id() -> str:
    return "cus_" + get_random_string(12, "abcdefghijkmnpqrstuvwxyz23456789")


def language_choices() -> list[tuple[str, str]]:
    """Return the translated languages. A callable, so that a new language needs no migration."""
    return list(settings.LANGUAGES)


class Customer(models.Model):
    """An organisation that uses the vendor's assessments."""

    id = models.CharField(primary_key=True, max_length=64, default=make_customer_id, editable=False)
    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=True, help_text="If off, its people cannot sign in or connect.")
    retention_days = models.PositiveSmallIntegerField(
        "candidates are erased after",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Days after an order ends or, if no end is reported, after its last activity. "
        "Leave empty to erase manually only.",
    )
    skips_confirmation = models.BooleanField(
        "connects without confirmation",
        default=False,
        help_text="Staff need not confirm companies that its administrators connect. For customers you trust fully.",
    )
    requires_second_factor = models.BooleanField(
        "second factor required",
        default=False,
        help_text="Its people have no access until they set up an authenticator app or a passkey.",
    )
    language = models.CharField(
        "language of emails", max_length=12, choices=language_choices, default="en", help_text="For its people."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return isolate_direction(self.name)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, staff_role=StaffRole.ADMINISTRATOR, **fields)


class User(AbstractBaseUser):  # type: ignore[django-manager-missing] # the toolkit's is untyped
    """User account with an email login: a member of customers, or partner staff without a customer."""

    email = models.EmailField("email address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    staff_role = models.CharField(
        "staff role", max_length=20, choices=StaffRole.choices, blank=True, help_text="Empty for a customer’s people."
    )
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(auto_now_add=True)
    customers = models.ManyToManyField(Customer, through="Membership", related_name="people")

    objects: ClassVar[UserManager] = UserManager()
    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        verbose_name, verbose_name_plural = "person", "people"
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_without_case")]

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        return bool(self.staff_role)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Return True if the staff role has the permission. Memberships define the rights of customers' people."""
        return self.is_active and roles.role_has_permission(self.staff_role, perm)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff

    def get_full_name(self) -> str:
        return isolate_direction(self.name) or self.email


class Membership(models.Model):
    """A person's role in one customer. Only `memberships.py` changes it."""

    person = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=MemberRole.choices, default=MemberRole.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["customer__name", "person__email"]
        constraints = [models.UniqueConstraint(fields=["person", "customer"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.person} of {self.customer}"

    @property
    def is_administrator(self) -> bool:
        return self.role == MemberRole.ADMINISTRATOR
