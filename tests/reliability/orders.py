"""Sections 2.4 to 2.6: packages and orders (O), results (R), files (F)."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
O1 a callback into a private network
    hostile callback_elsewhere_is_refused_and_nothing_is_kept
    intake what_is_wrong_in_the_body_is_named
    door webhook_to_a_private_address_is_not_even_connected_to

O2 a callback that would take our token
    hostile callback_elsewhere_is_refused_and_nothing_is_kept
    hostile_peer callback_changed_in_the_database_leads_nowhere_else

O4 odd schemes, ports, user info
    hostile callback_elsewhere_is_refused_and_nothing_is_kept

O5 the right host and another path
    addresses callback_that_is_none_is_refused
    intake what_is_wrong_in_the_body_is_named

O6 a redirect when a result is sent
    door redirect_is_an_answer_and_nothing_goes_there
    faults redirect_is_a_failure_and_is_not_followed

O8 the callback of another company's order
    intake order_of_another_company_is_a_conflict
    parallel one_of_two_companies_wins
    hostile_orders conflict_is_written_down_and_tells_nothing_of_the_other_order

O9 the same order again
    parallel same_order_from_all_sides_is_one_order
    parallel same_inline_order_from_all_sides_has_one_link
    intake same_order_again_is_answered_the_same_and_kept_once

O10 the same order with other content
    intake same_id_with_other_content_is_a_conflict
    parallel one_of_two_contents_wins
    hostile_orders conflict_is_written_down_and_tells_nothing_of_the_other_order

O11 the same order in another spelling
    intake other_spelling_of_the_return_address_is_the_same_order
    intake deprecated_job_id_says_the_same_as_the_job

O12 the same order after its end
    intake same_order_after_a_result_and_after_retiring_is_answered_the_same
    intake erased_order_again_stores_nothing
    disable disable_ends_the_connection_and_its_tokens

O13 a package that is none, or another's
    intake package_that_is_unknown_or_not_this_customers_is_not_found
    hostile odd_id_of_a_package_or_company_orders_nothing

O14 a retired package
    intake retired_package_is_ordered
    packages one_package_keeps_resolving

O15 the wrong type of a value
    intake what_is_wrong_in_the_body_is_named
    intake no_body_breaks_us

O16 keys that would be columns
    hostile_orders keys_that_would_be_columns_have_no_effect

O17 a huge body
    intake body_that_is_no_json_object_is_refused
    worker request_that_is_too_large_is_refused_at_once
    worker body_of_any_size_comes_whole
    wsgi body_in_chunks_is_never_taken_for_an_empty_one

O18 deep JSON
    intake body_that_is_no_json_object_is_refused
    parsers body_that_is_no_json_as_we_take_it_is_refused_with_the_reason

O21 NUL and halves of surrogate pairs
    intake body_that_is_no_json_object_is_refused
    parsers body_that_is_no_json_as_we_take_it_is_refused_with_the_reason
    anything nothing_that_comes_in_is_a_fault_of_ours
    odd nul_in_an_address_is_no_fault_of_ours
    odd odd_value_of_a_parameter_or_a_field_is_no_fault_of_ours
    odd odd_value_of_a_filter_is_no_fault_of_ours

O23 other content types
    intake body_that_is_no_json_object_is_refused
    wsgi body_in_another_charset_is_refused
    wsgi content_type_of_any_spelling_is_no_fault_of_ours

O24 no object at the top
    intake body_that_is_no_json_object_is_refused

O25 headers in an e-mail address
    intake what_is_wrong_in_the_body_is_named
    invitation unusable_address_fails_where_staff_see_it
    why: An address that is merely unusable is accepted, as the interface says; no mail is sent to it.

O26 names of all peoples
    intake any_real_name_is_kept_as_it_came
    hostile_orders text_is_kept_letter_by_letter
    hostile_orders name_beyond_the_limits_is_refused

O27 injection
    hostile_orders text_is_kept_letter_by_letter
    hostile_pages any_text_is_shown_as_it_is

O28 ids of candidates and jobs that are paths
    hostile odd_id_of_a_candidate_or_job_is_kept_or_refused_and_never_asked_for
    intake id_that_may_not_stand_in_a_url_is_kept_and_not_asked_for
    why: A printable one is accepted, as the interface says, and never put into an address.

O29 where a candidate goes back to
    hostile way_back_of_a_candidate_is_plain_https_or_refused
    visits trust_is_looked_at_again_at_the_return
    visits inline_candidate_is_shown_a_host_that_we_do_not_know

O30 guessed links
    visits unknown_link_is_not_found
    visits link_of_another_is_another
    visits pages_are_private
    why: 192 random bits are guessed at no rate, so there is no limit that a candidate could run into.

O31 the requester's header
    requester parse_requester_of_every_spelling
    requester parse_requester_of_anything_else
    requester parse_requester_of_arbitrary_text
    packages list_with_a_bad_requester

O32 a requester of another customer
    hostile_orders requester_of_another_customer_or_of_ours_widens_no_list
    packages list_by_a_requester_of_another_customer

O34 fifteen seconds
    way order_is_answered_at_once_while_smartrecruiters_and_the_broker_hang
    crash: broker hangs
    bench: packages

O37 methods and slashes
    intake other_methods_are_not_for_orders
    routes every_role_gets_what_the_table_says

O38 odd disables
    disable disable_twice_is_the_same
    disable disable_with_a_wrong_key_or_an_unknown_company_is_not_found
    disable disable_takes_a_dead_token
    disable disable_ignores_a_body

O39 odd and large catalogues
    hostile_orders list_of_five_thousand_packages_is_valid_and_quick
    packages empty_list_is_204
    packages list_leaves_out_types_that_are_not_published
    bench: packages

O40 anything at all
    engine_e2e every_call_keeps_to_its_description
    anything nothing_that_comes_in_is_a_fault_of_ours

R2 scores out of range
    results wrong_report_is_refused_before_anything_is_queued
    results wrong_score_is_told_what_would_be_right

R3 unknown statuses and types
    results wrong_report_is_refused_before_anything_is_queued
    attachments wrong_form_is_refused

R4 changes that may not be
    results transition
    results final_assessment_needs_a_correction_while_others_go_on
    results correction_is_kept_in_the_timeline
    parallel one_of_two_final_results_wins

R5 orders that are not live
    results report_of_an_unknown_or_erased_order_is_refused
    results result_of_a_disabled_connection_is_held

R8 active content in results
    results wrong_report_is_refused_before_anything_is_queued
    hostile_pages markup_in_what_came_is_shown_as_text

F1 HTML for a report
    attachments what_is_no_whole_report_is_refused
    attachments kind_is_found_by_content
    attachments report_is_served_as_a_download_and_counted

F2 SVG and XML
    attachments what_is_no_whole_report_is_refused

F3 too large
    attachments file_that_is_too_large_is_413
    worker request_that_is_too_large_is_refused_at_once

F4 files that unfold
    attachments what_is_no_whole_report_is_refused
    why: Nothing is unpacked; archives are no reports.

F5 names that are paths
    attachments name_to_download_by_is_a_plain_one
    attachments odd_name_of_a_file_is_made_plain_or_refused
    attachments file_is_hosted_under_a_random_link

F8 empty and broken off
    attachments what_is_no_whole_report_is_refused
    broken report_whose_body_breaks_off_is_400_and_not_kept

F10 more pixels than a reader survives
    attachments what_is_no_whole_report_is_refused

F11 very many
    attachments order_has_at_most_a_hundred_attachments

F13 whose report it is
    attachments report_of_an_unknown_link_or_an_erased_order_is_not_found
    routes every_role_gets_what_the_table_says

F14 a report in a browser
    attachments report_is_served_as_a_download_and_counted

F15 reports by their path
    hostile_pages nothing_of_the_house_is_served

F16 a changed byte
    attachments damaged_report_is_never_served
    uploads damaged_file_is_not_sent_and_the_result_is
""")
