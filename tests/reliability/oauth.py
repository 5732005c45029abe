"""Proofs for the token endpoint and bearer tokens (T), README.md section 2.1."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
T1 Secret in the URL of a GET
    token only_post_is_taken
    logs secrets_and_addresses_are_masked

T2 Secret in the query string of a POST
    token parameters_in_the_address_are_refused
    token no_answer_may_be_cached

T3 Token cached by a proxy
    token no_answer_may_be_cached
    throttling pair_that_failed_often_waits_and_nobody_else_does

T4 Wrong challenge for a wrong secret
    token wrong_pair_is_one_answer_byte_for_byte
    hostile_tokens wrong_pair_by_basic_is_challenged_as_by_the_form

T5 Client enumeration
    token wrong_pair_is_one_answer_byte_for_byte
    hostile_tokens wrong_pair_by_basic_is_challenged_as_by_the_form
    throttling unknown_client_costs_the_same_work_as_a_wrong_secret

T7 Brute force of a secret
    throttling pair_that_failed_often_waits_and_nobody_else_does
    throttling both_ways_to_authenticate_are_counted_together
    throttling failures_at_once_are_all_counted

T8 CPU exhaustion by hashing
    bench: tokens
    token malformed_request_is_refused

T9 Secret with a trailing NUL (HMAC zero padding)
    token wrong_pair_is_one_answer_byte_for_byte
    hostile_tokens wrong_pair_by_basic_is_challenged_as_by_the_form

T10 Client id with a trailing NUL
    token wrong_pair_is_one_answer_byte_for_byte

T13 JSON, multipart, unknown charset, invalid percent-encoding
    token malformed_request_is_refused
    hostile_tokens only_a_form_in_utf_8_is_taken
    wsgi_request content_type_of_any_spelling_is_no_fault_of_ours
    broken_body token_call_whose_body_breaks_off_is_400

T14 grant_type=password as an oracle for users' passwords
    token other_grants_are_unsupported_whoever_asks

T15 Other grants (code, refresh token, implicit, device)
    token other_grants_are_unsupported_whoever_asks
    token token_for_a_pair_in_the_form_has_all_scopes_without_asking

T16 Scope escalation: admin, NUL, 4 KB
    token scope_that_the_client_lacks_is_refused
    hostile_tokens scope_never_widens
    token narrower_scope_and_the_other_name_of_orders_modify_are_understood

T17 Token for packages used for orders
    intake order_needs_a_token_with_the_scope
    token token_of_the_wrong_kind_is_403_with_the_challenge

T18 Token in URL or form body
    token token_in_the_address_counts_for_nothing
    hostile_tokens token_in_the_address_or_the_body_counts_for_nothing

T19 Token both in the header and in the query
    hostile_tokens token_said_twice_is_400

T21 Expired token
    token expired_token_is_refused_at_once_though_remembered

T22 Token after a disable
    hostile_tokens remembered_token_is_dead_half_a_second_after_the_disable
    disable token_that_was_remembered_is_dead_once_the_disable_is_answered
    disable disable_ends_the_connection_and_its_tokens
    the_whole_way disconnecting_cuts_off_at_once_and_reconnecting_goes_on

T23 Credentials and token after a reconnect
    hostile_tokens pair_before_a_reconnect_is_dead_when_the_new_one_is_live
    exchange reconnect_after_a_lost_answer_releases_what_was_held

T24 Another customer's packages
    smartrecruiters list_is_the_tokens_customers
    smartrecruiters one_package_unknown_or_another_customers
    routes every_role_gets_what_the_table_says

T25 Order for another customer's company
    intake foreign_company_is_refused_and_written_down
    routes every_role_gets_what_the_table_says

T26 Disabling another customer
    disable disable_with_a_token_of_another_is_forbidden
    disable disable_leaves_other_companies_alone

T27 Confusion of credentials (engine, candidate link, session, SmartRecruiters)
    hostile_tokens secret_of_another_kind_is_no_token
    routes every_role_gets_what_the_table_says

T28 Session cookie instead of a token
    token signed_in_browser_without_a_token_is_401
    routes every_role_gets_what_the_table_says

T29 Revoking or inspecting another client's token
    hostile_tokens nothing_of_the_toolkit_but_the_token_is_served_to_anybody
    why: Neither route is served.

T30 Other routes of the toolkit (registration, authorization, device, discovery)
    token nothing_else_of_the_toolkit_is_served
    hostile_tokens nothing_of_the_toolkit_but_the_token_is_served_to_anybody

T31 Tokens and secrets in a database dump
    token token_is_stored_as_a_hash_only
    canaries database_holds_no_secret_in_clear

T32 Growth of the token table
    hostile_tokens expired_tokens_are_cleared_and_others_stay
    why: Hourly; checking a token is one query by an indexed hash, regardless of the size of the table.

T33 TRACE, PUT, OPTIONS
    token only_post_is_taken
    routes odd_methods_tell_and_do_nothing
    routes every_role_gets_what_the_table_says

T34 Plain HTTP
    hostile_tokens post_is_refused_and_not_redirected
    hostile_tokens read_of_a_program_is_refused_and_not_redirected
    hostile_tokens word_of_a_stranger_counts_for_nothing
    why: TLS ends at the vendor's proxy, so the proxy's headers decide.

T35 Disable call by anybody
    disable refused_disable_is_written_down_once_an_address_and_minute
    disable disable_with_a_wrong_key_or_an_unknown_company_is_not_found
    anything stranger_changes_nothing_and_learns_nothing
""")
