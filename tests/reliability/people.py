"""Proofs for sign-in, admin and platform (A), README.md section 2.3."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
A1 Brute force of a password
    sign_in guesser_is_stopped_and_the_owner_in_a_known_browser_is_not
    login_throttle guesser_with_many_addresses_is_slowed_down
    login_throttle guesser_in_a_known_browser_is_stopped_and_the_others_are_not
    login_throttle network_of_ipv6_counts_as_one

A2 Passwords that are easy to guess
    passwords common_password_is_refused
    passwords password_of_words_of_context_is_refused

A3 Locking an owner out
    login_throttle known_browser_of_the_owner_is_never_locked_out
    login_throttle guesser_at_the_same_ip_address_does_not_lock_a_known_browser_out
    login_throttle owner_who_is_delayed_comes_in_by_a_new_password
    login_throttle forged_device_is_unknown

A4 One password tried on many accounts
    hostile_pages one_password_tried_on_many_accounts_is_stopped_and_written_down
    login_throttle spray_raises_the_alarm_once_an_hour
    login_throttle alarm_on_the_overview_leads_to_the_attempts

A5 Which addresses have an account, by the work of a reset
    forgotten_password same_is_done_for_every_address
    sign_in password_reset_tells_nobody_who_has_an_account

A6 Forged Host or X-Forwarded-Host
    hostile_pages host_that_is_not_ours_is_refused
    hostile_pages forwarded_host_is_ignored_in_a_reset_mail
    sign_in forwarded_address_counts_from_a_trusted_proxy_only
    sign_in forwarded_word_that_is_no_address_is_nobodys

A7 Reuse of a password-reset link
    hostile_pages reset_link_is_good_once
    hostile_pages reset_link_dies_with_a_change_of_password
    hostile_pages reset_link_dies_after_an_hour

A8 Open redirect in next
    hostile_urls sign_in_leads_to_no_other_site

A9 Session lifetime
    sessions session_ends_after_half_an_hour_without_a_click
    sessions session_ends_after_twelve_hours_in_any_case
    sessions signing_out_ends_the_session_for_whoever_has_the_cookie
    sessions new_password_ends_every_session
    sign_in session_ends_with_the_account
    sessions person_switched_off_and_on_must_sign_in_again
    sessions people_of_a_customer_switched_off_and_on_must_sign_in_again
    sessions one_session_is_ended
    sessions session_of_another_person_is_not_ended

A10 Cookie flags
    hostile_pages settings_of_a_portal_at_https
    preflight https_names_and_closes_the_cookies
    routes every_page_carries_the_headers_of_a_careful_one

A11 Staff without a second factor
    sign_in staff_must_set_up_a_second_factor_where_it_is_required
    sign_in second_factor_is_asked_for
    hostile_pages code_of_the_second_factor_is_good_once
    mfa code_that_set_the_app_up_signs_nobody_in
    mfa code_that_set_the_app_up_confirms_nobody
    mfa broken_passkey_is_refused
    mfa broken_passkey_is_not_added

A12 Grave action in an open session
    reauthentication open_session_alone_does_nothing_grave
    reauthentication abandoned_form_is_not_sent_after_another_question
    sso provider_that_asked_again_is_a_proof
    sso proof_of_another_person_is_none
    sso password_is_not_set_by_an_open_session_alone

A13 Secrets in admin
    site admin_pages_show_no_secret
    site admin_cannot_be_searched_by_a_secret
    site admin_registers_what_this_house_wrote_and_nothing_else
    roles no_page_shows_a_secret

A14 Staff beyond their role
    roles candidate_is_seen_by_role
    roles viewer_finds_no_order_by_what_is_hidden
    roles nobody_raises_himself
    lookups history_follows_the_permission_to_see_the_audit_log
    orders order_page_is_recorded_each_time
    access_log everybody_who_saw_a_candidate_is_named_before_and_after_an_erasure
    access_log search_by_address_takes_no_get
    access_log preview_is_recorded_once_while_somebody_types
    every_access whoever_is_shown_a_candidate_is_named_by_who_saw
    export staff_export_from_the_orders_page
    why: Staff support all customers: roles limit the data of a candidate that is shown, not the customer; every
    why: access is logged.

A15 Formulas in an export (CSV injection)
    transfer csv_has_no_cell_that_a_spreadsheet_would_run
    spreadsheets any_text_survives_its_guard
    why: Candidates are exported as JSON, which spreadsheets do not execute.

A16 Stored XSS
    hostile_pages markup_in_what_came_is_shown_as_text
    candidate names_are_escaped
    emails markup_in_a_name_stays_text
    site admin_pages_carry_no_inline_style_or_script

A17 Leaks by errors and well-known paths
    hostile_pages nothing_of_the_house_is_served
    hostile_pages fault_of_ours_tells_nothing_of_the_house

A18 Unsafe settings
    preflight unsafe_settings_are_refused_in_one_line
    preflight every_process_refuses
    preflight bare_gunicorn_refuses_and_gives_up
    preflight deployment_checks_find_nothing
    preflight sqlite_without_a_write_ahead_log_is_an_error

A19 Security headers
    routes every_page_carries_the_headers_of_a_careful_one
    hostile_pages settings_of_a_portal_at_https
    static_files headers_of_a_static_file

A20 Browsable API
    hostile_pages program_that_asks_for_html_gets_json
    static_files file_that_no_page_uses_is_not_served
    routes odd_methods_tell_and_do_nothing

A22 Request smuggling, slowloris, large headers
    worker slow_clients_keep_nobody_waiting_and_are_let_go
    worker client_that_sends_a_byte_now_and_then_gets_408
    worker large_response_comes_whole_to_a_slow_reader
    worker what_waits_for_clients_has_a_bound
    slow_clients others_are_answered_beside_slow_clients
    slow_clients refusals_of_the_server_are_counted_and_logged_without_what_was_sent
    worker request_of_two_readings_is_refused_and_what_follows_is_no_request
    worker request_that_is_too_large_is_refused_at_once
    request_body chunked_body_is_read_as_gunicorn_reads_it_or_refused
    patterns pattern_is_done_in_time_with_any_long_text

A23 Known vulnerabilities in dependencies
    gate: audit.py
    audit_gate findings_fail_and_what_was_not_audited_is_counted
    audit_gate audit_of_nothing_fails_unless_the_machine_is_offline

A24 `SCRIPT_NAME` and other headers about what the server knows itself
    worker server_takes_nothing_about_a_request_from_its_headers

A26 Components and licences that nobody knows of
    gate: sbom.py
    sbom bill_is_valid_and_fits_the_lock_file
    sbom bill_that_differs_from_the_lock_file_is_a_problem
    sbom unexpected_licence_is_a_problem

A29 Lookups in the URLs of admin's lists
    lookups only_lookups_of_filters_and_links_are_allowed
    lookups refused_lookup_is_an_invalid_request_for_every_role
    lookups hidden_column_is_not_guessed
    lookups every_filter_and_link_of_a_list_works
A25 Demo accounts in a portal that others reach
    seed_demo seed_demo_refuses_a_portal_that_others_reach
    seed_demo seed_demo_secrets_are_the_installations_own
    overview dashboard_checklist_names_the_demo_accounts_of_a_portal_that_others_reach
""")
