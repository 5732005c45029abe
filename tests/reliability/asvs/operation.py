"""V15 Secure coding and architecture, V16 Security logging and error handling, V17 WebRTC."""

TABLES = (
    """
15.1.1 Times for mending and updating dependencies are documented
    doc: SECURITY.md#dependencies

15.1.2 A bill of materials, from known sources
    sbom bill_is_valid_and_fits_the_lock_file
    sbom bill_has_hashes_and_the_graph
    setup setup_refuses_a_package_that_is_not_the_locked_one

15.1.3 What costs much is documented, with its limits
    doc: deploy/README.md#limits

15.2.1 No dependency is past its time for mending
    gate: audit.py
    audit_gate findings_fail_and_what_was_not_audited_is_counted
    audit_gate audit_of_nothing_fails_unless_the_machine_is_offline

15.2.2 What costs much cannot be overused
    worker slow_clients_keep_nobody_waiting_and_are_let_go
    slow_clients others_are_answered_beside_slow_clients
    request_body large_body_of_a_stranger_is_refused_before_it_is_read
    malware scanner_that_hangs_holds_two_threads_of_a_process
    lookups only_lookups_of_filters_and_links_are_allowed
    patterns pattern_is_done_in_time_with_any_long_text
    smtp thousands_of_invitations_delay_no_other_email

15.2.3 Nothing that is not needed runs
    static_files file_that_no_page_uses_is_not_served
    token nothing_else_of_the_toolkit_is_served
    preflight unsafe_settings_are_refused_in_one_line
    why: Failpoints and time scales of the tests are refused outside of loopback, and so is `seed_demo`. The simulator
    why: is a process of its own that only `make demo` starts.

15.3.1 Answers hold the fields that are meant, and no others
    engine_orders order_has_exactly_this_shape
    smartrecruiters list_is_a_plain_array

15.3.2 Outgoing calls follow no redirects
    client redirect_is_an_answer_and_nothing_goes_there
    faults redirect_is_a_failure_and_is_not_followed

15.3.3 Requests set the fields that are meant, and no others
    hostile_orders keys_that_would_be_columns_have_no_effect
    engine_errors wrong_report
    roles nobody_raises_himself

15.3.4 The client's address is taken from where it cannot be forged
    sign_in forwarded_address_counts_from_a_trusted_proxy_only
    sign_in forwarded_word_that_is_no_address_is_nobodys
    logs line_has_no_address_that_a_stranger_claims

15.3.5 Types are checked
    engine_errors wrong_report
    engine put_of_an_invalid_package
    why: mypy --strict in `make lint`; serializers take no value of another type.

15.3.6 No prototype pollution
    why: The scripts of `static/` merge no objects, and read no keys from outside.

15.3.7 No parameter pollution
    hostile_tokens token_said_twice_is_400
    attachments wrong_form_is_refused
    engine_orders wrong_query_is_refused
    consent entry_without_one_company_is_refused
""",
    """
16.1.1 What is logged where, for how long and for whom is documented
    doc: deploy/README.md#what-is-logged-where

16.2.1 Entries say when, where, who and what
    log act_is_one_entry
    every_access whoever_is_shown_a_candidate_is_named_by_who_saw
    logs refusal_is_one_line

16.2.2 Times are UTC
    calendar instants_waits_and_terms_are_the_same_everywhere
    faults step_of_the_host_s_clock_takes_no_lease_from_its_holder
    operator: Keep the clocks of your machines right (NTP).

16.2.3 Logs go only where the inventory says
    sentry without_a_tracker_there_is_no_handler
    canaries logs_hold_no_secret_and_nobody

16.2.4 Logs can be read by programs
    logs refusal_is_one_line
    why: `LOG_FORMAT=json`, with the id of the request in each line.

16.2.5 Logs hold no secrets and nobody
    logs secrets_and_addresses_are_masked
    canaries logs_hold_no_secret_and_nobody

16.3.1 Every sign-in is logged, also a good one, with its factors
    sign_in_log password_and_authenticator_app
    sign_in_log password_and_recovery_code
    sign_in_log wrong_password_then_the_right_one
    sign_in_log sign_out

16.3.2 Refused permissions are logged
    logs refusal_is_one_line
    intake foreign_company_is_refused_and_written_down
    refusals refused_order_leaves_its_reason

16.3.3 Security events and attempts to get around controls are logged
    log act_is_one_entry
    hostile_pages one_password_tried_on_many_accounts_is_stopped_and_written_down
    decisions third_refusal_is_an_incident_and_going_live_closes_it
    login_throttle spray_raises_the_alarm_once_an_hour
    malware malware_is_refused_and_recorded

16.3.4 Unexpected errors and failures of controls are logged
    sentry error_arrives_once_a_minute_and_without_secrets
    tls certificate_that_is_not_good_gets_nothing_and_is_told_apart
    key_rotation portal_is_not_ready_while_a_key_is_missing

16.4.1 What came cannot forge a line
    logs line_break_in_a_value_begins_no_line

16.4.2 Logs cannot be changed
    chain entry_cannot_be_changed
    chain entries_cannot_be_deleted
    chain changed_entry_is_named
    operator: The log of the processes is on the console: keep it where the portal's user cannot write.

16.4.3 Logs are kept elsewhere, too
    chain end_that_was_cut_off_is_seen_and_stays_seen
    operator: Ship the console's output. It has the newest number and MAC of the audit log, so that a database that was
    operator: cut off is noticed.

16.5.1 Errors tell nothing of the inside
    hostile_pages fault_of_ours_tells_nothing_of_the_house
    hosts page_of_another_host_is_a_page_that_repeats_nothing

16.5.2 The portal stays safe when others fail
    the_whole_way order_is_answered_at_once_while_smartrecruiters_and_the_broker_hang
    malware upload_without_a_scanner_is_503_and_works_once_it_is_back
    sso provider_that_is_down_gets_a_page

16.5.3 Failures close, and do not open
    malware verdict_is_read_strictly
    lifecycle order_that_comes_before_their_pair_waits_for_it
    key_rotation secret_of_another_row_is_seen
    attachments full_disk_is_503_and_leaves_nothing
""",
    """
17.1.1 TURN: addresses
    n/a: There is no WebRTC. Video interviews are the engine's.

17.2.1 Media: keys of certificates
    n/a: There is no WebRTC.

17.2.2 Media: cipher suites
    n/a: There is no WebRTC.

17.2.3 Media: authentication of packets
    n/a: There is no WebRTC.

17.2.4 Media: malformed packets
    n/a: There is no WebRTC.

17.3.1 Signaling: floods
    n/a: There is no WebRTC.

17.3.2 Signaling: malformed messages
    n/a: There is no WebRTC.
""",
)
