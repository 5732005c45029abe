"""Plays SmartRecruiters for development, demo and tests: `python -m integrations.simulator`.

A process of its own, over real HTTP, without anything of the portal. It is strict: what PROTOCOL forbids is refused
and recorded as a breach. Its state is a fold over `journal.jsonl` in SIMULATOR_DATA_DIR, so that a restart, or a
SIGKILL, forgets nothing.

Environment: SIMULATOR_PORT (8001), SIMULATOR_BIND (127.0.0.1), SIMULATOR_PUBLIC_URL (http://localhost:PORT),
SIMULATOR_DATA_DIR (var/simulator), SIMULATOR_MASTER_CLIENT_ID and SIMULATOR_MASTER_CLIENT_SECRET (required),
SIMULATOR_THREADS (400), PORTAL_URL (for a link alone: every URL it calls is one of the published configuration).

The pages are at `/`; `GET /healthz` is 200 when all is up. Everything the pages can do, and more, is scriptable. The
control API takes and answers JSON (`Content-Type: application/json`); `control.ControlClient` is its typed client.

    GET    /_simulator/state                           configuration, companies, settings, faults, counts, ledger_end
    GET    /_simulator/companies                       POST {"id", "name"?} invents one more
    GET    /_simulator/companies/{id}
    POST   /_simulator/companies/{id}/consent          the Connect button: {"consent_url", "display_mode"}
    POST   /_simulator/companies/{id}/disconnect       ends it and DELETEs at the portal: {"status_code"}
    POST   /_simulator/companies/{id}/tell-disabled    the DELETE alone, once more
    POST   /_simulator/companies/{id}/revoke           the portal's credential dies without a word
    POST   /_simulator/companies/{id}/expire-tokens    and /_simulator/expire-tokens, for everybody
    GET    /_simulator/companies/{id}/candidates
    GET    /_simulator/companies/{id}/packages         ?requester=&country-code=&city=…&{field}=
                                                       asks the portal: {"status_code", "seconds", "packages" …}
    GET    /_simulator/companies/{id}/packages/{id}    the same for one: {…, "package"}
    POST   /_simulator/orders                          places orders: {"orders": [order, …]}
    GET    /_simulator/orders                          ?company=&limit=100: newest first
    GET    /_simulator/orders/{id}
    POST   /_simulator/orders/{id}/retry               sends the same body again
    POST   /_simulator/orders/{id}/announce            {"reason"?}: the next change of its result is meant
    GET    /_simulator/ledger                          ?since=0&kinds=result,upload&limit=1000
                                                       {"events", "next": the cursor behind them, "more"}
    GET    /_simulator/breaches                        DELETE clears
    GET    /_simulator/faults                          POST sets one, DELETE clears all; DELETE …/faults/{id}
    GET    /_simulator/settings                        PATCH changes: entities.Settings

An order to place: {"company", "package", "kind": "manual" | "bulk" | "hiring_step" | "inline" (or "inline": true),
"count": 1, "candidates"?: [number, …], "requester"?: e-mail, "job"?: number, "fields"?: {id: text}, "parallel": 16,
"retries": 0 (after a 5xx or no answer, with the same body), "overrides"?: {key: value} put over the body}.
An order that was placed: {"order_id", "status_code" (null: no answer), "seconds", "problem", "accepted", "url" (of an
inline one), "status", "result" (merged), "effects", "repeats" (PATCHes that changed nothing), "notifications" …}.

A fault: {"action": one of faults.ACTIONS, "route"?: one of faults.ROUTES, "company"?: id, "count"?: how often (without:
until cleared), "after_effect": false (true: the call does its work first, and the answer is what suffers),
"status": 500 (of action `status`), "retry_after"?: seconds, "seconds": 1 and "jitter": 0 (of `slow`), "chance": 1}.

The ledger's kinds. Effects: `result` {order_id, company, client_id, status_before, status_after, repeat, correction,
patch}, `upload` {order_id, company, client_id, upload}, `integrated`, `configured`, `token_issued` {client_id},
`disconnected`, `order_placed` and `order_answered` {order_id, status, seconds, url, problem}. Calls: `call` {route,
method, path, client_id, company, status (444: dropped), arrived, seconds, in_flight, fault?}. Tests: `breach`,
`fault_set`, `fault_fired`, `settings_changed` … `at` is in seconds since 1970, under the lock that orders effects.
"""
