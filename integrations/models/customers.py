"""Customers and the people who sign in."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import get_random_string


def make_customer_id() -> str:
    return "cus_" + get_random_string(12, "abcdefghijkmnpqrstuvwxyz23456789")


class Customer(models.Model):
    """An organisation that buys from the vendor."""

    id = models.CharField(primary_key=True, max_length=64, default=make_customer_id, editable=False)
    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=True, help_text="Off: its people cannot sign in or connect.")
    retention_days = models.PositiveSmallIntegerField(
        "candidates are erased after",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Days after an order’s end, or, where no end is reported, after the last that happened with it. "
        "Empty: by hand only.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing] # the toolkit's is untyped
    """Somebody who signs in by e-mail: a customer's admin, or partner staff (who belong to no customer)."""

    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, related_name="users")
    may_connect = models.BooleanField("may connect", default=True, help_text="May approve and end connections.")
    is_staff = models.BooleanField("partner staff", default=False)
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_without_case"),
            models.CheckConstraint(
                condition=models.Q(is_staff=False) | models.Q(customer=None),
                name="user_staff_belong_to_no_customer",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email
