from django.urls import URLPattern, URLResolver, include, path, re_path

from integrations.accounts.views import sessions
from integrations.accounts.views.passwords import PasswordFromLink
from integrations.connections.views import consent, home
from integrations.connections.views.disable import CompanyIntegration
from integrations.customers.views import people
from integrations.customers.views.invitation import InvitationPage
from integrations.oauth.views import token

KEY = r"(?P<key>[A-Za-z0-9]{32})"
INVITATION = r"(?P<invitation_id>inv_[a-z0-9]{12})"
MEMBERSHIP = r"(?P<membership_id>[0-9]{1,18})"
TOKEN = r"(?P<token>[A-Za-z0-9_-]{1,64})"  # noqa: S105
COMPANY = r"(?P<company_id>[A-Za-z0-9._-]{1,64})"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    re_path(r"^organisation/?$", home.switch, name="switch_organisation"),
    re_path(r"^people/?$", people.people, name="people"),
    re_path(r"^people/invite/?$", people.invite, name="invite"),
    re_path(rf"^people/invitations/{INVITATION}/resend/?$", people.resend, name="resend_invitation"),
    re_path(rf"^people/invitations/{INVITATION}/revoke/?$", people.revoke, name="revoke_invitation"),
    re_path(rf"^people/{MEMBERSHIP}/role/?$", people.change_role, name="change_role"),
    re_path(rf"^people/{MEMBERSHIP}/remove/?$", people.remove, name="remove_person"),
    re_path(rf"^invitations/{TOKEN}/?$", InvitationPage.as_view(), name="invitation"),
    re_path(rf"^connections/{COMPANY}/disconnect/?$", home.disconnect, name="disconnect"),
    path("accounts/sessions/end/", sessions.end_all, name="end_all_sessions"),
    re_path(r"^oauth/token/?$", token, name="token"),
    re_path(r"^smartrecruiters/integration/?$", consent.begin, name="consent_begin"),
    re_path(rf"^smartrecruiters/integration/{KEY}/?$", consent.ConsentPage.as_view(), name="consent"),
    re_path(rf"^smartrecruiters/integration/{KEY}/progress/?$", consent.progress, name="consent_progress"),
    re_path(rf"^smartrecruiters/integration/{KEY}/again/?$", consent.try_again, name="consent_again"),
    re_path(rf"^smartrecruiters/integration/{KEY}/account/?$", consent.change_account, name="consent_account"),
    re_path(
        rf"^smartrecruiters/(?P<key>[A-Za-z0-9_-]{{1,64}})/integrations/companies/{COMPANY}/?$",
        CompanyIntegration.as_view(),
        name="company_integration",
    ),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        PasswordFromLink.as_view(),
        name="account_reset_password_from_key",
    ),
    path("", include("integrations.webhooks.urls")),
]
