"""Proofs for outgoing calls (X), README.md section 2.7."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
X1 Another customer's token
    hostile_peer each_customers_token_is_used_for_its_own_orders_alone
    simulator/results result_by_another_companys_token_is_refused
    the_whole_way hundred_orders_over_all_six_types_leave_no_breach
    crash: kill both couriers

X2 Bad TLS: self-signed, expired, wrong name, old version
    client tls_of_a_known_signer_for_this_name_in_a_version_of_today
    client environment_brings_no_signer_of_its_own
    faults certificate_that_is_not_good_is_a_failure_without_effect

X3 Proxy and netrc from the environment
    client proxy_and_netrc_of_the_environment_count_for_nothing

X5 Response that repeats our secrets or markup
    hostile_peer echoed_token_and_markup_are_stored_masked_and_shown_as_text
    hostile_peer long_answer_is_kept_cut

X6 Token response without a usable token
    hostile_peer answer_without_a_usable_token_is_a_failure
    hostile_peer life_of_a_token_is_clamped
    hostile_peer any_answer_is_read_or_refused

X7 Exchange response without credentials, or with another connection's
    hostile_peer answer_without_a_pair_is_a_failure
    hostile_peer client_id_of_another_connection_makes_nobody_live
    exchange answer_without_their_pair_is_never_a_live_connection

X8 Secrets in exceptions
    hostile_peer error_of_a_call_repeats_no_address
    canaries logs_hold_no_secret_and_nobody

X9 More personal data than needed
    handlers candidate_job_and_team_are_kept_in_short

X10 Master credentials for customers' calls
    simulator/results result_by_the_master_token_is_refused
    the_whole_way hundred_orders_over_all_six_types_leave_no_breach

X11 Merge patch that deletes data
    merge_patch attachments_are_always_all_of_them
    uploads upload_waits_for_a_result_that_would_take_it_away
    simulator/results what_a_recruiter_would_notice_is_a_breach_unless_announced

X12 Upload for an inline order
    uploads inline_order_gets_links
""")
