"""POST /integration/company/{companyId}: the pair is shown once, and no client id is ever used again."""

import secrets

from django.http import HttpResponse, JsonResponse

from integrations.simulator.api.bodies import complain, json_of
from integrations.simulator.endpoint import Call, Refused, endpoint
from integrations.simulator.entities import Exchange, Pair
from integrations.simulator.runtime import world
from integrations.simulator.state import digest
from integrations.simulator.wire.configuration import check_credentials


@endpoint("integration", "POST", scope="partner_configuration_manage")
def integration(call: Call, company_id: str) -> HttpResponse:
    body = json_of(call, "credentials")
    complain(check_credentials(body), "credentials")
    pair = Pair(body["clientId"], body["clientSecret"])
    with world.lock:
        _check_first_use(company_id, pair)
        _remember_use(company_id, pair, settled=True)
        call.on_lost_reply = lambda: _remember_use(company_id, pair, settled=False)
        company = world.companies.get(company_id)
        if company is None or not company.consented:
            raise Refused(403, "FORBIDDEN", "the company has not allowed this app")
        if world.configuration is None:
            raise Refused(404, "NOT_FOUND", "there is no partner configuration")
        if company.connected:
            raise Refused(409, "CONFLICT", "Partner already integrated for company")
        own = Pair(f"sr-{company_id}-{secrets.token_hex(6)}", secrets.token_urlsafe(32))
        world.record("integrated", company=company_id, partner_pair=vars(pair), own_pair=vars(own))
    return JsonResponse({"clientId": own.client_id, "clientSecret": own.client_secret})


def _check_first_use(company_id: str, pair: Pair) -> None:
    """A client id is never used again, save by the same try for the same company that does not know how it went."""
    used = world.exchanges.get(pair.client_id)
    if used is None:
        return
    again = used.company == company_id and used.secret_digest == digest(pair.client_secret)
    if not again or (used.settled and used.consent != _consents(company_id)):
        message = f"the clientId was used before, for {used.company}"
        raise Refused(400, "CLIENT_ID_USED", message, breach="client id used twice")


def _remember_use(company_id: str, pair: Pair, *, settled: bool) -> None:
    use = Exchange(company_id, digest(pair.client_secret), _consents(company_id), settled)
    world.record("exchange", client_id=pair.client_id, **vars(use))


def _consents(company_id: str) -> int:
    company = world.companies.get(company_id)
    return company.consents if company else 0
