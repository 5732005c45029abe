"""Form for a manual report of a result, for a vendor without an engine."""

from typing import Any, cast

from django import forms
from django.db import transaction

from integrations.models import User
from orders import attachments, files, results
from orders.models import Hop, Order, Status

TEXT_FIELDS = ("status", "score_label", "summary")


class ReportForm(forms.Form):
    part = forms.ChoiceField(label="Result of", required=False)
    status = forms.ChoiceField(choices=[("", "Unchanged"), *Status.choices], required=False)
    score_raw = forms.IntegerField(label="Score", required=False)
    score_min = forms.IntegerField(label="Lowest score", required=False)
    score_max = forms.IntegerField(label="Highest score", required=False)
    score_label = forms.CharField(max_length=200, required=False, help_text="Shown beside the score.")
    summary = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    report = forms.FileField(required=False, help_text="PDF, PNG or JPEG, up to 10 MB.")
    correction = forms.CharField(
        max_length=500, required=False, help_text="The reason, if you change a final result. Shown in the timeline."
    )

    checked_file: attachments.CheckedFile

    def __init__(self, order: Order, by: User, data: Any = None, uploads: Any = None) -> None:
        super().__init__(data, uploads)
        self.order, self.by = order, by
        parts = [(each.assessment_id, each.name) for each in order.package.assessments.all()]
        cast(forms.ChoiceField, self.fields["part"]).choices = [("", "The whole package"), *parts]
        if not parts:
            del self.fields["part"]

    def clean_report(self) -> Any:
        upload = self.cleaned_data["report"]
        if upload is None:
            return None
        if (upload.size or 0) > files.MAX_SIZE:
            raise forms.ValidationError("The file is larger than 10 MB.")
        try:
            self.checked_file = attachments.check_file(self.order.pk, upload.read(), by=self.by.email)
        except files.UnsupportedFileError as error:
            raise forms.ValidationError(f"The file {error}.") from None
        except attachments.ScannerUnavailableError as error:
            raise forms.ValidationError(str(error.detail)) from None
        return upload

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        score = [cleaned.get(f"score_{name}") for name in results.SCORE_KEYS]
        if any(value is not None for value in score):
            raw, low, high = score
            if raw is None or low is None or high is None:
                self.add_error("score_raw", "Enter the score, the lowest and the highest score.")
            elif not low <= raw <= high or low == high:
                self.add_error("score_raw", "Enter a score between the lowest and the highest score.")
        if not self.errors and not self.build_changes() and not cleaned.get("report"):
            raise forms.ValidationError("Fill in at least one field.")
        return cleaned

    def build_changes(self) -> dict[str, Any]:
        """Return the filled-in fields as changes for `results.report`. Empty fields are ignored."""
        cleaned = self.cleaned_data
        changes: dict[str, Any] = {name: cleaned[name] for name in TEXT_FIELDS if cleaned.get(name)}
        if cleaned.get("score_raw") is not None:
            changes["score"] = {name: cleaned[f"score_{name}"] for name in results.SCORE_KEYS}
        if not changes or not cleaned.get("part"):
            return changes
        return {"assessment_results": [{"assessment_id": cleaned["part"], **changes}]}

    def preview_columns(self) -> dict[str, Any]:
        """Return the valid part of a form that is being filled in, by the columns of a result."""
        self.full_clean()
        columns = {name: self.cleaned_data[name] for name in TEXT_FIELDS if self.cleaned_data.get(name)}
        score = {f"score_{name}": self.cleaned_data.get(f"score_{name}") for name in results.SCORE_KEYS}
        return columns if None in score.values() or "score_raw" in self.errors else columns | score

    @transaction.atomic
    def save(self) -> None:
        """Store the file and the report, both or neither. Raises ConflictError, GoneError, UnprocessableError."""
        if upload := self.cleaned_data["report"]:
            attachments.add_checked_file(
                self.order.pk,
                self.checked_file,
                assessment_id=self.cleaned_data.get("part", ""),
                name=upload.name or "",
                by=self.by.email,
            )
        if changes := self.build_changes():
            correction = self.cleaned_data["correction"]
            results.report(self.order.pk, changes, by=self.by.email, hop=Hop.ENGINE, correction=correction)
