"""Completeness of the personal data register (decision 40 in tests/reliability/README.md)."""

from django.apps import apps
from django.db import models

from tests.orders.privacy import personal_data

TEXT = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.GenericIPAddressField,
    models.BinaryField,
    models.FileField,
)
LISTS = (
    personal_data.CANDIDATE_FIELDS,
    personal_data.ORDER_TEXT_FIELDS,
    personal_data.USER_FIELDS,
    personal_data.NON_PERSONAL_FIELDS,
)


def test_every_text_column_of_every_model_is_listed_once() -> None:
    columns = [
        f"{model._meta.label_lower}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields
        if isinstance(field, TEXT)
    ]
    listed = [f"{label}.{name}" for each in LISTS for label, names in each.items() for name in names]
    assert sorted(listed) == sorted(columns)
