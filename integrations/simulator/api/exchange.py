"""Exchange of credentials: POST /integration/company/{companyId}."""

import secrets

from django.http import HttpResponse, JsonResponse

from integrations.simulator.api.bodies import parse_body, reject_malformed
from integrations.simulator.endpoint import ApiError, Call, api_endpoint
from integrations.simulator.store.entities import CredentialExchange, CredentialPair
from integrations.simulator.store.runtime import state
from integrations.simulator.store.state import hash_secret
from integrations.simulator.wire.configuration import check_credentials


@api_endpoint("integration", "POST", scope="partner_configuration_manage")
def exchange_credentials(call: Call, company_id: str) -> HttpResponse:
    body = parse_body(call, "credentials")
    reject_malformed(check_credentials(body), "credentials")
    pair = CredentialPair(body["clientId"], body["clientSecret"])
    with state.lock:
        _check_first_use(company_id, pair)
        _record_use(company_id, pair, settled=True)
        call.on_lost_reply = lambda: _record_use(company_id, pair, settled=False)
        company = state.companies.get(company_id)
        if company is None or not company.consented:
            raise ApiError(403, "FORBIDDEN", "the company has not allowed this app")
        if state.configuration is None:
            raise ApiError(404, "NOT_FOUND", "there is no partner configuration")
        if company.is_connected:
            raise ApiError(409, "CONFLICT", "Partner already integrated for company")
        own = CredentialPair(f"sr-{company_id}-{secrets.token_hex(6)}", secrets.token_urlsafe(32))
        state.record_event("integrated", company=company_id, partner_pair=vars(pair), own_pair=vars(own))
    return JsonResponse({"clientId": own.client_id, "clientSecret": own.client_secret})


def _check_first_use(company_id: str, pair: CredentialPair) -> None:
    """Reject a client id that was used before.

    The same credentials may be sent again for the same company while the outcome is unknown to the sender, and
    within the same consent.
    """
    earlier = state.exchanges.get(pair.client_id)
    if earlier is None:
        return
    is_repeat = earlier.company == company_id and earlier.secret_digest == hash_secret(pair.client_secret)
    if not is_repeat or (earlier.settled and earlier.consent != _count_consents(company_id)):
        message = f"the clientId was used before, for {earlier.company}"
        raise ApiError(400, "CLIENT_ID_USED", message, breach="client id used twice")


def _record_use(company_id: str, pair: CredentialPair, *, settled: bool) -> None:
    use = CredentialExchange(company_id, hash_secret(pair.client_secret), _count_consents(company_id), settled)
    state.record_event("exchange", client_id=pair.client_id, **vars(use))


def _count_consents(company_id: str) -> int:
    company = state.companies.get(company_id)
    return company.consents if company else 0
