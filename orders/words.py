"""What the candidate reads, in the language of the application."""

from collections.abc import Mapping

from django.conf import settings

from orders.models import Order

Words = Mapping[str, str]

ENGLISH: Words = {
    "invitation_subject": "Your invitation: {package} ({brand})",
    "reminder_subject": "Still open: {package} ({brand})",
    "invited": "{package}",
    "invited_more": "{customer} invites you to this assessment. Everything is ready; you can begin now.",
    "begin": "Begin",
    "leads_to": "The button leads to {host}.",
    "preparing": "Your assessment is being prepared",
    "preparing_more": "This page goes on by itself. You can also close it and open the link again later.",
    "thanks": "Thank you",
    "thanks_more": "Your part in “{package}” is done. {customer} gets the result; you can close this page.",
    "back": "Thank you",
    "continue": "Continue at {host}",
    "back_more": "Your part in “{package}” is done. Your application goes on at {host}.",
    "expired": "This link has expired",
    "expired_more": "Nothing was lost that you sent before. If you still want to take part, write to {customer}.",
    "gone": "This link is no longer in use",
    "gone_more": "Your data was erased here. If that surprises you, write to the company that invited you.",
    "unknown": "There is nothing at this address",
    "unknown_more": "Check that the link is complete, as it stands in your e-mail. If it is, write to who invited you.",
    "damaged": "This report cannot be shown",
    "damaged_more": "The file here is not the one that was stored. It was reported; please ask for it again.",
}
GERMAN: Words = {
    "invitation_subject": "Ihre Einladung: {package} ({brand})",
    "reminder_subject": "Noch offen: {package} ({brand})",
    "invited": "{package}",
    "invited_more": "{customer} lädt Sie dazu ein. Alles ist vorbereitet; Sie können jetzt beginnen.",
    "begin": "Beginnen",
    "leads_to": "Die Schaltfläche führt zu {host}.",
    "preparing": "Ihr Test wird vorbereitet",
    "preparing_more": "Diese Seite geht von selbst weiter. Sie können sie schließen und den Link später öffnen.",
    "thanks": "Vielen Dank",
    "thanks_more": "Ihr Teil von „{package}“ ist erledigt. {customer} erhält das Ergebnis. Sie sind fertig.",
    "back": "Vielen Dank",
    "continue": "Weiter bei {host}",
    "back_more": "Ihr Teil von „{package}“ ist erledigt. Ihre Bewerbung geht bei {host} weiter.",
    "expired": "Dieser Link ist abgelaufen",
    "expired_more": "Was Sie gesendet haben, ist da. Für eine neue Einladung wenden Sie sich an {customer}.",
    "gone": "Dieser Link ist nicht mehr in Gebrauch",
    "gone_more": "Ihre Daten wurden hier gelöscht. Bei Fragen wenden Sie sich an das Unternehmen.",
    "unknown": "Unter dieser Adresse ist nichts",
    "unknown_more": "Ist der Link vollständig, wie in Ihrer E-Mail? Sonst fragen Sie, wer Sie eingeladen hat.",
    "damaged": "Dieser Bericht kann nicht gezeigt werden",
    "damaged_more": "Die Datei ist nicht die gespeicherte. Das wurde gemeldet; bitte fordern Sie sie neu an.",
}
LANGUAGES: Mapping[str, Words] = {"en": ENGLISH, "de": GERMAN}


class Facts(dict[str, str]):
    """For `format_map`: a sentence whose facts are not at hand is not the one that is shown."""

    def __missing__(self, key: str) -> str:
        return ""


def nearest(language: str) -> str:
    """Ours to a tag like `de-AT` or `de_AT`; else English."""
    primary = language.replace("_", "-").partition("-")[0].lower()
    return primary if primary in LANGUAGES else settings.LANGUAGE_CODE


def language_of(order: Order) -> str:
    return nearest(order.candidate_language)


def of(order: Order) -> Words:
    return LANGUAGES[language_of(order)]
