"""Section 2.7: what goes out (X)."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
X1 another customer's token
    hostile_peer each_customers_token_is_used_for_its_own_orders_alone
    simulated result_by_another_companys_token_is_refused
    way hundred_orders_over_all_six_types_leave_no_breach
    crash: kill both couriers

X2 TLS that is none
    door tls_of_a_known_signer_for_this_name_in_a_version_of_today
    door environment_brings_no_signer_of_its_own
    faults certificate_that_is_not_good_is_a_failure_without_effect

X3 proxies and passwords of the environment
    door proxy_and_netrc_of_the_environment_count_for_nothing

X5 an answer that repeats our secrets
    hostile_peer echoed_token_and_markup_are_stored_masked_and_shown_as_text
    hostile_peer long_answer_is_kept_cut

X6 an answer without a token
    hostile_peer answer_without_a_usable_token_is_a_failure
    hostile_peer life_of_a_token_is_clamped
    hostile_peer any_answer_is_read_or_refused

X7 an answer without a pair, or with another's
    hostile_peer answer_without_a_pair_is_a_failure
    hostile_peer client_id_of_another_connection_makes_nobody_live
    connecting answer_without_their_pair_is_never_a_live_connection

X8 secrets in errors
    hostile_peer error_of_a_call_repeats_no_address
    canaries logs_hold_no_secret_and_nobody

X9 more than is needed
    deliveries candidate_job_and_team_are_kept_in_short

X10 the master pair for customers' calls
    simulated result_by_the_master_token_is_refused
    way hundred_orders_over_all_six_types_leave_no_breach

X11 a patch that takes away
    wire attachments_are_always_all_of_them
    uploads upload_waits_for_a_result_that_would_take_it_away
    simulated what_a_recruiter_would_notice_is_a_breach_unless_announced

X12 uploads for inline orders
    uploads inline_order_gets_links
""")
