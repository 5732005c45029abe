"""A result by hand, for a vendor without an engine: the form, and what it says as the engine's API would say it."""

from typing import Any, cast

from django import forms
from django.db import transaction

from integrations.models import User
from orders import attachments, files, results
from orders.models import Hop, Order, Result, Status


class ReportForm(forms.Form):
    part = forms.ChoiceField(label="Result of", required=False)
    status = forms.ChoiceField(choices=[("", "as it is"), *Status.choices], required=False)
    score_raw = forms.IntegerField(label="Score", required=False)
    score_min = forms.IntegerField(label="Lowest possible", required=False)
    score_max = forms.IntegerField(label="Highest possible", required=False)
    score_label = forms.CharField(max_length=200, required=False, help_text="A word or two beside the score.")
    summary = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    report = forms.FileField(required=False, help_text="PDF, PNG or JPEG, up to 10 MB. It goes out as link or file.")
    correction = forms.CharField(
        max_length=500, required=False, help_text="Why, when you change what was final. It stands in the timeline."
    )

    def __init__(self, order: Order, data: Any = None, uploads: Any = None) -> None:
        super().__init__(data, uploads)
        self.order = order
        parts = [(each.assessment_id, each.name) for each in order.package.assessments.all()]
        cast(forms.ChoiceField, self.fields["part"]).choices = [("", "the whole package"), *parts]
        if not parts:
            del self.fields["part"]

    def clean_report(self) -> Any:
        upload = self.cleaned_data["report"]
        if upload is None:
            return None
        if (upload.size or 0) > files.MAX_SIZE:
            raise forms.ValidationError("The file is larger than 10 MB.")
        try:
            files.detect_content_type(upload.read())
        except files.UnsupportedFileError as error:
            raise forms.ValidationError(f"The file {error}.") from None
        upload.seek(0)
        return upload

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        score = [cleaned.get(f"score_{name}") for name in results.SCORE_KEYS]
        if any(value is not None for value in score):
            raw, low, high = score
            if raw is None or low is None or high is None:
                self.add_error("score_raw", "A score needs all three numbers.")
            elif not low <= raw <= high or low == high:
                self.add_error("score_raw", "The score lies between the lowest and the highest possible.")
        if not self.errors and not self.build_changes() and not cleaned.get("report"):
            raise forms.ValidationError("Nothing is filled in, so there is nothing to report.")
        return cleaned

    def build_changes(self) -> dict[str, Any]:
        """What is filled in; an empty field leaves what is there as it is."""
        said = self.cleaned_data
        found: dict[str, Any] = {name: said[name] for name in ("status", "score_label", "summary") if said.get(name)}
        if said.get("score_raw") is not None:
            found["score"] = {name: said[f"score_{name}"] for name in results.SCORE_KEYS}
        if not found or not said.get("part"):
            return found
        return {"assessment_results": [{"assessment_id": said["part"], **found}]}

    def preview_columns(self) -> dict[str, Any]:
        """What is filled in and right so far, by the names of a result's columns: for a look while typing."""
        self.full_clean()
        said = self.cleaned_data
        found = {name: said[name] for name in ("status", "score_label", "summary") if said.get(name)}
        score = {f"score_{name}": said.get(f"score_{name}") for name in results.SCORE_KEYS}
        return found if None in score.values() or "score_raw" in self.errors else found | score

    @transaction.atomic
    def save(self, *, by: User) -> None:
        """Report it and add the file, both or neither. Raises ConflictError, GoneError, UnprocessableError."""
        if upload := self.cleaned_data["report"]:
            attachments.add_file(
                self.order.pk,
                upload.read(),
                assessment_id=self.cleaned_data.get("part", ""),
                name=upload.name or "",
                by=by.email,
            )
        if changes := self.build_changes():
            correction = self.cleaned_data["correction"]
            results.report(self.order.pk, changes, by=by.email, hop=Hop.ENGINE, correction=correction)


def find_package_result(order: Order) -> Result | None:
    return next((row for row in order.results.all() if not row.assessment_id), None)
