"""V1 Encoding and sanitization, V2 Validation and business logic."""

TABLES = (
    """
1.1.1 Input is decoded once, before it is checked
    wsgi_request address_is_read_as_utf_8_whatever_charset_is_named
    strict_json byte_order_mark_is_ignored
    login_redirects sign_in_leads_to_the_page_that_was_asked_for

1.1.2 Output is encoded last, by the interpreter or right before it
    hostile_pages any_text_is_shown_as_it_is
    emails markup_in_a_name_stays_text

1.2.1 Encoding fits the place: HTML, attributes, header fields
    hostile_pages markup_in_what_came_is_shown_as_text
    attachments name_to_download_by_is_a_plain_one
    candidate names_are_escaped

1.2.2 URLs are built from encoded parts, and only safe schemes are let in
    trusted_origins id_that_could_lead_elsewhere_never_enters_a_url
    trusted_origins path_of_whatever_id_stays_one_segment
    engine_urls other_address_is_refused

1.2.3 Nothing that came is written into scripts or JSON as it is
    site admin_pages_carry_no_inline_style_or_script
    strict_json json_written_by_the_library_round_trips
    why: No script is generated: the policy of every page forbids inline ones.

1.2.4 Queries are parameterized
    anything nothing_that_comes_in_is_a_fault_of_ours
    odd_values odd_value_of_a_parameter_or_a_field_is_no_fault_of_ours
    why: Django's ORM; the few statements by hand have parameters, and ruff's S608 looks for others in `make lint`.

1.2.5 Nothing that came reaches a shell
    why: No request starts a program. The supervisor runs fixed argument lists without a shell; ruff's S602 and S605
    why: look for others.

1.2.6 LDAP
    n/a: There is no LDAP.

1.2.7 XPath
    n/a: There is no XML.

1.2.8 LaTeX
    n/a: There is no LaTeX.

1.2.9 What goes into a regular expression is escaped
    lookups hidden_column_is_not_guessed
    lookups only_lookups_of_filters_and_links_are_allowed
    why: No pattern is built from input, in Python or by the database.

1.3.1 HTML that people write is sanitized
    n/a: Nobody writes HTML: every text is plain and shown as text.
    hostile_pages any_text_is_shown_as_it_is

1.3.2 No eval
    hostile_peer pickled_task_is_refused
    why: None in the code; ruff's S102 and S307 look for it.

1.3.3 What goes to a dangerous place is limited to what is safe there
    attachments odd_name_of_a_file_is_made_plain_or_refused
    logs line_break_in_a_value_begins_no_line
    consent entry_with_an_odd_company_id_is_refused

1.3.4 SVG of users is sanitized
    attachments what_is_no_whole_report_is_refused
    brand logo_is_served_as_a_picture_in_which_nothing_runs
    why: Reports are PDF, PNG or JPEG. The one SVG is the operator's logo.

1.3.5 Markdown, CSS, style sheets and the like of users
    n/a: Descriptions and summaries are plain text.

1.3.6 SSRF: untrusted URLs are checked before they are called
    client webhook_to_a_private_address_in_disguise_goes_nowhere
    client webhook_goes_to_the_address_that_was_looked_at
    trusted_origins callback_that_is_none_is_refused
    hostile_peer callback_changed_in_the_database_leads_nowhere_else

1.3.7 No template is built from input
    hostile_pages any_text_is_shown_as_it_is
    why: Templates are files of the repository. What came is only ever a value in their context.

1.3.8 JNDI
    n/a: There is no Java.

1.3.9 memcache
    n/a: The cache is a table of the database.

1.3.10 Format strings
    why: Format strings are literals. What came is only ever an argument.

1.3.11 What goes to the mail server cannot add headers or recipients
    emails unusable_address_fails_where_staff_see_it
    lenient_orders control_characters_become_a_space
    why: Addresses are validated, a subject is one line, and Django refuses line breaks in headers.

1.4.1 Memory safety
    n/a: Python. Native parts are maintained libraries, locked and audited (15.1.1).

1.4.2 Integer overflow
    engine_errors wrong_report
    odd_values odd_value_of_a_filter_is_no_fault_of_ours
    why: Python's integers do not overflow. Those for a column are checked against its range.

1.4.3 Memory is released
    worker descriptors_that_run_out_stop_nothing_for_long
    why: Python releases memory itself; connections and files are closed by context managers.

1.5.1 XML parsers resolve no entities
    n/a: No XML is parsed, and SVG and XML are refused as reports.

1.5.2 Deserialization makes plain values only
    hostile_peer pickled_task_is_refused
    strict_json bytes_of_any_kind_are_json_or_malformed
    why: JSON everywhere: requests, tasks, sessions.
""",
    """
2.1.1 Rules for each item of input are documented
    doc: orders/api/README.md#orders-from-smartrecruiters orders/api/README.md#attachments
    doc: assessments/api/README.md#for-an-engine

2.1.2 Rules for combinations are documented
    doc: orders/api/README.md#reporting-a-result orders/api/README.md#the-life-of-an-order
    doc: assessments/api/README.md#rules

2.1.3 Limits, by person and in all, are documented
    doc: deploy/README.md#limits

2.2.1 All input is validated against what is expected
    intake what_is_wrong_in_the_body_is_named
    engine_errors wrong_report
    engine put_of_an_invalid_package
    odd_values odd_value_of_a_parameter_or_a_field_is_no_fault_of_ours

2.2.2 Validation is on the server
    engine_errors wrong_report
    orders order_report_that_is_wrong_is_refused
    why: Pages work without scripts; what scripts check is checked again.

2.2.3 Combinations are validated
    orders/results wrong_report_is_refused_before_anything_is_queued
    orders/results date_that_cannot_be_is_refused
    orders/results transition

2.3.1 Steps happen in their order
    consent second_decision_changes_nothing
    orders/results transition
    orders/results final_order_is_neither_leased_nor_accepted
    invitations link_works_once

2.3.2 Limits are as documented
    attachments order_has_at_most_a_hundred_attachments
    invitations organisation_has_fifty_open_invitations_at_most
    decisions tries_of_a_customer_for_a_company_are_limited
    documented_limits limits_are_documented_as_they_are

2.3.3 What belongs together happens together or not at all
    commit_lost order_whose_commit_went_unheard_is_one_order_when_it_comes_again
    orders order_report_with_a_strange_file_keeps_nothing
    engine replace_by_an_invalid_list_changes_nothing

2.3.4 What there is once is given once
    parallel no_order_is_leased_to_two
    parallel thousand_leases_hand_out_each_order_once
    invitations two_who_use_the_link_at_once_join_once

2.4.1 Automated calls cannot use things up
    throttling pair_that_failed_often_waits_and_nobody_else_does
    refusals loop_over_orders_does_not_fill_the_table
    hostile_pages nobodys_mailbox_is_filled_by_asking_for_links
    login_throttle guesser_with_many_addresses_is_slowed_down
""",
)
