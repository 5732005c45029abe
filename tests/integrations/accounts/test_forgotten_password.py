"""The password reset opens in the same tab, except from a consent in a pop-up, which would be lost."""

import pytest
from django.test import Client as Browser

from integrations.models import PartnerConfiguration
from tests.integrations.accounts.test_sign_in import SIGN_IN, text

pytestmark = pytest.mark.django_db
LINK = '<a href="/accounts/password/reset/"{}>Forgot your password?</a>'
HERE, ELSEWHERE = LINK.format(""), LINK.format(' target="_blank"')


def test_link_opens_in_the_same_tab(client: Browser) -> None:
    assert HERE in text(client.get(SIGN_IN))
    assert HERE in text(client.get(SIGN_IN, {"next": "/smartrecruiters/integration/x"}))


def test_link_leaves_a_consent_in_a_popup_where_it_is(client: Browser) -> None:
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(display_mode="POPUP")
    page = client.get("/smartrecruiters/integration?companyId=northwind", follow=True)
    assert ELSEWHERE in text(page)
    assert HERE in text(client.get(SIGN_IN))


def test_link_opens_in_the_same_tab_where_the_consent_leads_back(client: Browser) -> None:
    back = "https://api.smartrecruiters.com/back"
    page = client.get("/smartrecruiters/integration", {"companyId": "northwind", "redirect": back}, follow=True)
    assert HERE in text(page)
