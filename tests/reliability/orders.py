"""Proofs for packages and orders (O), results (R) and files (F), README.md sections 2.4 to 2.6."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
O1 Callback into a private network (SSRF)
    hostile_urls callback_elsewhere_is_refused_and_nothing_is_kept
    intake what_is_wrong_in_the_body_is_named
    client webhook_to_a_private_address_is_not_even_connected_to

O2 Callback that would receive our token
    hostile_urls callback_elsewhere_is_refused_and_nothing_is_kept
    hostile_peer callback_changed_in_the_database_leads_nowhere_else

O4 Odd scheme, port, user info; a fragment in a callback
    hostile_urls callback_elsewhere_is_refused_and_nothing_is_kept

O5 Trusted host, other path
    trusted_origins callback_that_is_none_is_refused
    intake what_is_wrong_in_the_body_is_named

O6 Redirect in response to a result
    client redirect_is_an_answer_and_nothing_goes_there
    faults redirect_is_a_failure_and_is_not_followed

O8 Another company's resultCallbackURL
    intake order_of_another_company_is_a_conflict
    parallel one_of_two_companies_wins
    hostile_orders conflict_is_written_down_and_tells_nothing_of_the_other_order

O9 The same order 50 times in parallel
    parallel same_order_from_all_sides_is_one_order
    parallel same_inline_order_from_all_sides_has_one_link
    intake same_order_again_is_answered_the_same_and_kept_once

O10 The same order, other content
    intake same_id_with_other_content_is_a_conflict
    parallel one_of_two_contents_wins
    hostile_orders conflict_is_written_down_and_tells_nothing_of_the_other_order

O11 The same order, other spelling
    intake other_spelling_of_the_return_address_is_the_same_order
    intake deprecated_job_id_says_the_same_as_the_job

O12 The same order after a result, a disable, an erasure
    intake same_order_after_a_result_and_after_retiring_is_answered_the_same
    intake erased_order_again_stores_nothing
    disable disable_ends_the_connection_and_its_tokens

O13 Unknown, malformed or another customer's package
    intake package_that_is_unknown_or_not_this_customers_is_not_found
    hostile_urls odd_id_of_a_package_or_company_orders_nothing

O14 Retired package
    intake retired_package_is_ordered
    smartrecruiters one_package_keeps_resolving

O15 Wrong JSON types
    intake what_is_wrong_in_the_body_is_named
    lenient_orders scalar_is_taken_as_its_json_text
    lenient_orders what_has_no_text_is_missing_and_kept
    lenient_orders mapped_fields_of_any_kind_are_kept
    intake no_body_breaks_us

O16 Mass assignment (status, customer, __proto__)
    hostile_orders keys_that_would_be_columns_have_no_effect

O17 Body of 10 MB, chunked, without a length
    intake body_that_is_no_json_object_is_refused
    worker request_that_is_too_large_is_refused_at_once
    worker body_of_any_size_comes_whole
    request_body whole_body_is_given_unchanged_and_nothing_of_what_follows
    request_body large_body_of_a_stranger_is_refused_before_it_is_read

O18 JSON nested 100,000 deep
    intake body_that_is_no_json_object_is_refused
    strict_json body_that_is_no_json_as_we_take_it_is_refused_with_the_reason

O21 NUL, lone surrogates, in any field
    intake body_that_is_no_json_object_is_refused
    strict_json body_that_is_no_json_as_we_take_it_is_refused_with_the_reason
    strict_json text_that_no_database_stores_is_replaced_on_request
    anything nothing_that_comes_in_is_a_fault_of_ours
    odd_values nul_in_an_address_is_no_fault_of_ours
    odd_values odd_value_of_a_parameter_or_a_field_is_no_fault_of_ours
    odd_values odd_value_of_a_filter_is_no_fault_of_ours

O23 Other content types
    intake body_that_is_no_json_object_is_refused
    wsgi_request charset_of_a_body_is_judged_by_its_bytes
    wsgi_request content_type_of_any_spelling_is_no_fault_of_ours

O24 No object at the top level
    intake body_that_is_no_json_object_is_refused

O25 Header injection in an e-mail address
    lenient_orders what_is_no_email_address_is_not_made_one
    emails unusable_address_fails_where_staff_see_it
    why: An email address that is merely unusable is accepted, as documented; no email is sent to it.

O26 Names in all scripts, long, bidirectional
    intake any_real_name_is_kept_as_it_came
    hostile_orders text_is_kept_letter_by_letter
    lenient_orders longer_text_is_cut_for_its_column_and_kept
    lenient_orders control_characters_become_a_space

O27 SQL, template and log injection strings
    hostile_orders text_is_kept_letter_by_letter
    hostile_pages any_text_is_shown_as_it_is

O28 Candidate or job id as a path
    hostile_urls odd_id_of_a_candidate_or_job_is_kept_or_refused_and_never_asked_for
    intake id_that_may_not_stand_in_a_url_is_kept_and_not_asked_for
    why: A printable one is accepted, as documented, and never put into a URL.

O29 Return URL of an inline candidate
    hostile_urls way_back_of_a_candidate_is_plain_https_or_refused
    candidate trust_is_looked_at_again_at_the_return
    candidate inline_candidate_is_shown_a_host_that_we_do_not_know

O30 Guessing candidate links
    candidate unknown_link_is_not_found
    candidate link_of_another_is_another
    candidate pages_are_private
    why: 192 random bits cannot be guessed at any rate, so there is no limit that could affect a candidate.

O31 Malformed requester header
    requester parse_requester_of_every_spelling
    requester parse_requester_that_names_nobody
    requester parse_requester_of_anything_else
    requester parse_requester_of_arbitrary_text
    smartrecruiters list_with_a_bad_requester

O32 requester of another customer
    hostile_orders requester_of_another_customer_or_of_ours_widens_no_list
    smartrecruiters list_by_a_requester_of_another_customer

O34 15 seconds
    the_whole_way order_is_answered_at_once_while_smartrecruiters_and_the_broker_hang
    crash: broker hangs
    bench: packages

O37 Wrong method, missing or additional slash
    intake other_methods_are_not_for_orders
    routes every_role_gets_what_the_table_says

O38 Disable twice, of an unknown company, with a large body
    disable disable_twice_is_the_same
    disable disable_with_a_wrong_key_or_an_unknown_company_is_not_found
    disable disable_takes_a_dead_token
    disable disable_ignores_a_body

O39 Odd and large catalogues
    hostile_orders list_of_five_thousand_packages_is_valid_and_quick
    smartrecruiters empty_list_is_204
    smartrecruiters list_leaves_out_types_that_are_not_published
    bench: packages

O40 Fuzzing of the whole API
    engine_api every_call_keeps_to_its_description
    anything nothing_that_comes_in_is_a_fault_of_ours

R2 Score out of range, not an integer, NaN
    orders/results wrong_report_is_refused_before_anything_is_queued
    orders/results wrong_score_is_told_what_would_be_right

R3 Unknown status or attachment type
    orders/results wrong_report_is_refused_before_anything_is_queued
    attachments wrong_form_is_refused

R4 Change after a final status
    orders/results transition
    orders/results final_assessment_needs_a_correction_while_others_go_on
    orders/results correction_is_kept_in_the_timeline
    parallel one_of_two_final_results_wins

R5 Order unknown, connection disabled, candidate erased
    orders/results report_of_an_unknown_or_erased_order_is_refused
    orders/results result_of_a_disabled_connection_is_held

R7 Dates that cannot be
    orders/results date_that_cannot_be_is_refused
    orders/results date_is_compared_with_the_stored_one

R8 Markup, long text, bidirectional marks
    orders/results wrong_report_is_refused_before_anything_is_queued
    hostile_pages markup_in_what_came_is_shown_as_text

F1 HTML as a report, polyglots
    attachments what_is_no_whole_report_is_refused
    attachments kind_is_found_by_content
    attachments report_is_served_as_a_download_and_counted

F2 SVG, XML
    attachments what_is_no_whole_report_is_refused

F3 50 MB, wrong or missing length
    attachments file_that_is_too_large_is_413
    worker request_that_is_too_large_is_refused_at_once

F4 Decompression bombs
    attachments what_is_no_whole_report_is_refused
    why: Archives are not accepted as reports and never unpacked.

F5 Path traversal in a file name
    attachments name_to_download_by_is_a_plain_one
    attachments odd_name_of_a_file_is_made_plain_or_refused
    attachments file_is_hosted_under_a_random_link

F8 Empty, truncated, aborted
    request_body request_whose_body_breaks_off_is_400_without_effect
    request_body upload_that_broke_off_leaves_its_idempotency_key_free
    attachments what_is_no_whole_report_is_refused
    broken_body report_whose_body_breaks_off_is_400_and_not_kept

F10 Pixel flood
    attachments what_is_no_whole_report_is_refused

F11 Very many files
    attachments order_has_at_most_a_hundred_attachments

F13 Access to a download
    attachments report_of_an_unknown_link_or_an_erased_order_is_not_found
    routes every_role_gets_what_the_table_says

F14 A report in a browser
    attachments report_is_served_as_a_download_and_counted

F15 Direct path to the files
    hostile_pages nothing_of_the_house_is_served

F16 A byte changed on disk
    attachments damaged_report_is_never_served
    uploads damaged_file_is_not_sent_and_the_result_is

F17 Malware in a report
    malware malware_is_refused_and_recorded
    malware staff_are_told_of_malware_and_keep_what_they_wrote
    malware verdict_is_read_strictly
    why: Only with CLAMAV_URL. Reports that an engine hosts itself are links, which are not scanned.

F18 Malware scanner away, hanging or too small
    malware upload_without_a_scanner_is_503_and_works_once_it_is_back
    malware scanner_that_hangs_holds_two_threads_of_a_process
    malware file_that_the_scanner_does_not_take_is_503
    malware readiness_and_overview_name_the_scanner_that_is_away
""")
