from django.urls import URLPattern, URLResolver, include, path, re_path

from integrations.accounts.views import sessions
from integrations.accounts.views.passwords import PasswordResetLinkView
from integrations.connections.views import consent, home
from integrations.connections.views.disable import CompanyIntegrationView
from integrations.customers.views import people
from integrations.customers.views.invitation import InvitationView
from integrations.oauth.views import token_endpoint

CONSENT_KEY = r"(?P<key>[A-Za-z0-9]{32})"
INVITATION_ID = r"(?P<invitation_id>inv_[a-z0-9]{12})"
MEMBERSHIP_ID = r"(?P<membership_id>[0-9]{1,18})"
TOKEN = r"(?P<token>[A-Za-z0-9_-]{1,64})"  # noqa: S105
SESSION_ID = r"(?P<session_id>[0-9a-f]{40})"
COMPANY_ID = r"(?P<company_id>[A-Za-z0-9._-]{1,64})"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.show_home, name="home"),
    re_path(r"^organisation/?$", home.switch_organisation, name="switch_organisation"),
    re_path(r"^people/?$", people.list_people, name="people"),
    re_path(r"^people/invite/?$", people.invite_person, name="invite"),
    re_path(r"^people/second-factor/?$", people.require_second_factor, name="require_second_factor"),
    re_path(rf"^people/invitations/{INVITATION_ID}/resend/?$", people.resend_invitation, name="resend_invitation"),
    re_path(rf"^people/invitations/{INVITATION_ID}/revoke/?$", people.revoke_invitation, name="revoke_invitation"),
    re_path(rf"^people/{MEMBERSHIP_ID}/role/?$", people.change_role, name="change_role"),
    re_path(rf"^people/{MEMBERSHIP_ID}/remove/?$", people.remove_person, name="remove_person"),
    re_path(rf"^invitations/{TOKEN}/?$", InvitationView.as_view(), name="invitation"),
    re_path(rf"^connections/{COMPANY_ID}/disconnect/?$", home.disconnect_company, name="disconnect"),
    re_path(rf"^connections/{COMPANY_ID}/withdraw/?$", home.withdraw_request, name="withdraw"),
    path("accounts/sessions/", sessions.list_sessions, name="sessions"),
    re_path(rf"^accounts/sessions/{SESSION_ID}/end/$", sessions.end_one, name="end_session"),
    path("accounts/sessions/end/", sessions.end_all, name="end_all_sessions"),
    re_path(r"^oauth/token/?$", token_endpoint, name="token"),
    re_path(r"^smartrecruiters/integration/?$", consent.ConsentStartView.as_view(), name="consent_begin"),
    re_path(rf"^smartrecruiters/integration/{CONSENT_KEY}/?$", consent.ConsentView.as_view(), name="consent"),
    re_path(rf"^smartrecruiters/integration/{CONSENT_KEY}/progress/?$", consent.show_progress, name="consent_progress"),
    re_path(rf"^smartrecruiters/integration/{CONSENT_KEY}/again/?$", consent.retry_exchange, name="consent_again"),
    re_path(rf"^smartrecruiters/integration/{CONSENT_KEY}/account/?$", consent.change_account, name="consent_account"),
    re_path(
        rf"^smartrecruiters/(?P<key>[A-Za-z0-9_-]{{1,64}})/integrations/companies/{COMPANY_ID}/?$",
        CompanyIntegrationView.as_view(),
        name="company_integration",
    ),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        PasswordResetLinkView.as_view(),
        name="account_reset_password_from_key",
    ),
    path("", include("integrations.webhooks.urls")),
]
