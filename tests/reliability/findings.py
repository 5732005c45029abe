"""Proofs for the findings, README.md section "Findings"."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
1 Path segments from outside choose the route of our calls
    trusted_origins id_that_could_lead_elsewhere_never_enters_a_url
    trusted_origins path_of_whatever_id_stays_one_segment
    hostile_urls odd_company_is_refused_and_not_repeated
    hostile_peer order_id_changed_in_the_database_reaches_no_other_route

2 URL parsers disagree, and a callback sends our token elsewhere
    trusted_origins address_elsewhere_or_oddly_spelt_is_not_trusted
    trusted_origins whatever_is_trusted_begins_with_the_origin_in_plain_ascii
    hostile_urls callback_elsewhere_is_refused_and_nothing_is_kept
    hostile_peer callback_changed_in_the_database_leads_nowhere_else

3 A redirect repeats the body of the request
    client redirect_is_an_answer_and_nothing_goes_there
    faults redirect_is_a_failure_and_is_not_followed

4 The password grant reveals whether a password is right
    token other_grants_are_unsupported_whoever_asks

5 The token endpoint under load, and timing differences
    bench: tokens
    token wrong_pair_is_one_answer_byte_for_byte
    throttling unknown_client_costs_the_same_work_as_a_wrong_secret

6 Request bodies that a stock stack answers with 500
    strict_json body_that_is_no_json_as_we_take_it_is_refused_with_the_reason
    strict_json bytes_of_any_kind_are_json_or_malformed
    intake body_that_is_no_json_object_is_refused
    anything nothing_that_comes_in_is_a_fault_of_ours

7 Celery and Redis do not record what must be delivered
    faults worker_killed_at_any_place_sends_all_the_same
    crash: broker flushed
    crash: kill broker

8 Publishing a task blocks while the broker is silent
    the_whole_way order_is_answered_at_once_while_smartrecruiters_and_the_broker_hang
    crash: broker hangs

9 Django's defaults break the pop-up and are unsafe to disable globally
    consent popup_pages_are_framed_by_smartrecruiters_alone
    consent redirect_pages_are_not_framed_and_may_post_on
    consent popup_gets_its_cookies_twice
    consent_in_a_browser popup_works_in_a_frame_of_another_site
    consent_in_a_browser redirect_lands_in_smartrecruiters
    routes every_page_carries_the_headers_of_a_careful_one

10 Two calls cannot be repeated
    exchange lost_answer_needs_a_reconnect_and_our_pair_goes_on_working
    exchange reconnect_after_a_lost_answer_releases_what_was_held
    uploads lost_answer_is_found_by_the_next_result
    uploads upload_whose_courier_died_is_in_doubt_and_not_repeated
    merge_patch attachments_are_always_all_of_them

11 The disable call has no authentication
    disable disable_with_a_wrong_key_or_an_unknown_company_is_not_found
    disable disable_with_a_token_of_another_is_forbidden
    logs secrets_and_addresses_are_masked
""")
