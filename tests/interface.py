"""Sentences of the documented interface, each with the tests that prove it.

TABLE is the engine API's contract (orders/api/README.md, assessments/api/README.md); DOCS, CALLS and ANSWERS are the
texts of the page "Plug in your engine". tests/test_interface.py checks that the tests exist,
tests/config/apidocs/test_views.py that the page has exactly these texts.

A sentence is followed by indented lines: a file's short name (FILES) and a test.
"""

from collections.abc import Iterator
from typing import NamedTuple

FILES = {
    "admin": "tests/integrations/admin/test_admin.py",
    "admin/webhooks": "tests/integrations/admin/test_webhooks.py",
    "attachments": "tests/orders/test_attachments.py",
    "candidate": "tests/orders/views/test_candidate.py",
    "courier": "tests/integrations/outbox/test_courier.py",
    "create_engine_client": "tests/integrations/oauth/test_create_engine_client.py",
    "engine": "tests/assessments/api/test_engine.py",
    "engine_api": "tests/e2e/test_engine_api.py",
    "engine_errors": "tests/orders/api/test_engine_errors.py",
    "engine_interface": "tests/orders/api/test_engine_interface.py",
    "engine_orders": "tests/orders/api/test_engine_orders.py",
    "engine_urls": "tests/orders/test_engine_urls.py",
    "expiry": "tests/orders/test_expiry.py",
    "faults": "tests/integrations/outbox/test_faults.py",
    "handlers": "tests/orders/handlers/test_handlers.py",
    "idempotency": "tests/orders/api/test_idempotency.py",
    "leases": "tests/orders/api/test_leases.py",
    "merge_patch": "tests/orders/test_merge_patch.py",
    "outsider": "tests/e2e/test_outsider.py",
    "pagination": "tests/integrations/api/test_pagination.py",
    "parallel": "tests/orders/test_parallel.py",
    "preview": "tests/orders/api/test_preview.py",
    "results": "tests/orders/test_results.py",
    "retry_policy": "tests/integrations/outbox/test_retry_policy.py",
    "seed_demo": "tests/assessments/test_seed_demo.py",
    "simulator/engine": "tests/integrations/simulator/test_engine.py",
    "smartrecruiters": "tests/assessments/api/test_smartrecruiters.py",
    "timeline": "tests/orders/test_timeline.py",
    "token": "tests/integrations/oauth/test_token.py",
    "views": "tests/config/apidocs/test_views.py",
    "visibility": "tests/assessments/test_visibility.py",
    "webhooks": "tests/integrations/webhooks/test_webhooks.py",
    "worker": "tests/config/server/test_worker.py",
}

TABLE = """
Bearer, JSON in snake_case, times in ISO 8601 UTC.
    engine_orders test_route_is_for_engines_alone
    engine_orders test_order_has_exactly_this_shape
    engine test_without_the_vendors_scope

Lists: {"results": […], "next": URL or null, "previous": URL or null}, ?limit= 50, at most 200
    engine_interface test_every_list_has_this_shape
    pagination test_default_and_most
    pagination test_links_are_absolute_and_keep_the_query
    pagination test_page_of_nothing
    pagination test_back_again

paged by a key and not by an offset: a row that is there throughout comes exactly once.
    pagination test_every_row_once
    pagination test_rows_that_come_and_go_between_pages
    pagination test_a_key_of_two_columns

Idempotency-Key on any POST, per client, method and path
    engine_interface test_every_post_takes_an_idempotency_key
    idempotency test_key_counts_per_client_and_per_path

the stored answer comes back whole, status included, for a day
    idempotency test_repeated_post_gives_the_stored_answer_whole
    idempotency test_refusal_is_stored_too
    idempotency test_key_is_free_again_after_a_day
    idempotency test_same_call_many_times_at_once_has_one_effect

with another body (fields and file digests, not raw bytes) 422
    idempotency test_other_body_under_the_same_key_is_refused
    idempotency test_same_fields_in_another_order_are_the_same_body
    idempotency test_files_count_by_their_content

while the first call runs 409
    idempotency test_first_call_that_still_runs_is_a_conflict

answers from 500 on are not kept.
    engine_interface test_answer_from_500_on_is_not_kept

A missing body counts as {}.
    engine_interface test_missing_body_counts_as_an_empty_object_at_every_post
    idempotency test_missing_body_counts_as_an_empty_object
    leases test_lease_without_a_body_takes_the_defaults

errors[].field is a path with dots (assessment_results.0.score.raw).
    results test_wrong_report_is_refused_before_anything_is_queued

401 comes before 404.
    engine_orders test_route_is_for_engines_alone
    idempotency test_unauthorised_comes_before_the_key

URLs from an engine (launch_url, attachments): https, no user info, no private address literal, else 422
    engine_urls test_public_https_is_good
    engine_urls test_other_address_is_refused
    leases test_wrong_acceptance_is_refused
    attachments test_wrong_address_is_refused

while PUBLIC_URL is loopback, http and loopback will do (webhooks apart, which have a setting).
    engine_urls test_http_and_loopback_are_good_on_a_loopback_portal_alone
    engine_interface test_webhooks_alone_have_a_setting_for_private_hosts
    webhooks test_address_that_is_not_public_https_is_refused
    webhooks test_name_that_leads_to_a_private_address_is_not_called

Package: {"id", "type", "name", "description", "delivery", "invite_candidate", "expires_after_days", "retired",
"assessments": [{"id", "type", "name", "description"}], "rules": [{"customer"?, "requester"?, "country"?, "region"?,
"city"?, "remote"?, "fields"?: {id: value}}]}.
    engine test_put_of_everything
    engine test_put_of_an_invalid_package

Ids match [A-Za-z0-9][A-Za-z0-9_-]{0,63} and are not orders or inline.
    engine test_put_under_an_invalid_id
    engine test_put_under_a_good_id

No rules: every customer sees it.
    visibility test_package_without_rules_is_visible_to_all

A rule matches when all its keys match
    visibility test_rule_with_all_keys_needs_them_all
    visibility test_rule_that_does_not_match
    visibility test_keys_of_two_rules_are_not_mixed

requester an address or @domain, region the region-abbr; text without case
    visibility test_rule_that_matches
    smartrecruiters test_list_by_location_and_fields
    smartrecruiters test_list_by_requester

a value that did not come matches no key
    visibility test_rule_without_a_value_in_the_query_does_not_match

one matching rule is enough.
    visibility test_one_of_two_rules_is_enough

For a single package and for orders only the rules' customer counts (a rule without one admits everybody).
    visibility test_may_order
    smartrecruiters test_one_package_keeps_resolving
    smartrecruiters test_one_package_unknown_or_another_customers

A key left out of a PUT keeps its stored value
    engine test_put_keeps_missing_keys
    engine test_put_keeps_missing_keys_of_an_assessment

of a new package type and name are required, the defaults are: description empty, delivery engine, no assessments, no
rules.
    engine test_put_of_a_new_package
    engine test_put_of_a_new_package_lists_required_keys

An unknown customer or type is 422; an assessment's id is unique in its package.
    engine test_put_of_an_invalid_package
    engine test_put_of_a_type_that_is_not_published

invite_candidate is true by default, false for INLINE_ASSESSMENT, BACKGROUND_CHECK and REFERENCE_CHECK.
    engine test_put_invites_by_default_where_the_candidate_has_to_act

GET /packages, GET|PUT|DELETE /packages/{id} (PUT 201 when new, else 200, 422 for a malformed or reserved id; DELETE
retires)
    engine test_put_of_a_new_package
    engine test_put_replaces_lists_whole
    engine test_put_under_an_invalid_id
    engine test_delete_retires
    engine test_unknown_package
    engine test_replace_by_its_own_response_changes_nothing

PUT /packages with {"packages": […]} replaces the catalogue atomically, retiring what is missing, and answers
{"created", "updated", "retired"} counts.
    engine test_replace
    engine test_replace_by_an_empty_list_retires_all
    engine test_replace_by_an_invalid_list_changes_nothing

GET /customers: a list of {"id", "name"}, the ids of rules and of seed_demo.
    engine test_customers
    engine test_put_of_everything
    seed_demo test_seed_demo_customers_see_all_six_types

Order: the keys
    engine_orders test_order_has_exactly_this_shape
    attachments test_file_is_hosted_under_a_random_link

status is result.status.
    results test_report_is_kept_shown_and_enqueued_once
    results test_transition

requester, job_id, candidate.language and candidate.id may be null.
    engine_orders test_inline_order_has_no_candidate_id_and_no_requester

score: integers (28.0 is none), min < max, min ≤ raw ≤ max.
    results test_wrong_report_is_refused_before_anything_is_queued
    results test_wrong_score_is_told_what_would_be_right

delivery is none until a first result is to be sent, then the state of the newest one's delivery.
    results test_delivery_is_the_state_of_the_newest
    results test_result_of_a_disabled_connection_is_held

GET /orders?status=&customer=&smartrecruiters_order_id=&updated_after= (exclusive; newest first), GET /orders/{id}.
    engine_orders test_list_is_filtered
    engine_orders test_updated_after_is_exclusive
    engine_orders test_list_is_newest_first_and_paged
    engine_orders test_wrong_query_is_refused
    engine_orders test_every_change_moves_updated_at

POST /orders/lease {"max": 1–100 = 10, "seconds": 10–3600 = 60} → 200 {"orders": [Order, …]}
    engine_interface test_lease_is_of_ten_orders_for_a_minute
    leases test_wrong_lease_is_refused
    leases test_lease_is_the_whole_order_with_its_end

oldest first, of packages with delivery: engine, not final, not erased, that nobody has accepted and no live lease
covers.
    leases test_oldest_orders_are_leased_and_no_one_twice
    leases test_only_what_waits_for_an_engine_is_leased
    leases test_lease_that_ran_out_is_given_again
    parallel test_no_order_is_leased_to_two
    parallel test_thousand_leases_hand_out_each_order_once

POST /orders/{id}/accept {"launch_url"?: URL} → 200 Order. Again: the same, or with another launch_url the new one
    leases test_accepting_again_changes_nothing_but_the_way

on a final order 409.
    results test_final_order_is_neither_leased_nor_accepted

Needs no lease, and ends one.
    leases test_accepting_needs_no_lease_and_ends_one

The candidate's way is take_url → launch_url → return_url: take_url shows a page with one button (a POST, 303 to
launch_url; for inline orders it goes straight on)
    candidate test_button_leads_to_the_engine_and_makes_it_in_progress
    candidate test_inline_candidate_goes_straight_on
    outsider test_ordinary_order_is_completed
    outsider test_inline_order_is_completed

his going makes an order without any report IN_PROGRESS
    candidate test_button_leads_to_the_engine_and_makes_it_in_progress
    candidate test_going_does_not_speak_over_the_engine

the engine sends him to return_url, which leads an inline candidate back to SmartRecruiters and thanks the others.
    candidate test_inline_candidate_returns_to_smartrecruiters
    candidate test_others_are_thanked

take_url of a final order does the same as return_url.
    candidate test_final_order_is_answered_as_its_return
    candidate test_expired_order_is_gone

GET of a mailed link alone changes nothing (scanners open it).
    candidate test_mailed_link_alone_changes_nothing

PATCH /orders/{id}/result (application/json or application/merge-patch+json): any of result's keys
    results test_both_content_types_are_taken
    results test_report_is_kept_shown_and_enqueued_once

assessment_results is merged by assessment_id, which must be one of the package's; attachments is refused here (422).
→ 200 Order.
    results test_assessments_are_merged_by_their_id
    results test_wrong_report_is_refused_before_anything_is_queued

What changes nothing is 200 in every status and sends nothing.
    results test_what_changes_nothing_sends_nothing
    results test_transition
    parallel test_same_result_from_all_sides_is_one_delivery

After a final status (COMPLETED, REJECTED, EXPIRED), also of an assessment, any change needs "correction": "reason",
else 409; so does going back from IN_PROGRESS to PENDING.
    results test_transition
    results test_final_assessment_needs_a_correction_while_others_go_on
    results test_correction_is_kept_in_the_timeline

Attachments may be added or removed at any time.
    attachments test_attachment_waits_for_a_status_and_then_goes_at_once
    attachments test_attachment_that_is_removed_is_gone_with_its_file

On an order nobody accepted it accepts.
    results test_report_accepts_an_order_and_ends_its_lease

null clears a key, and is sent as null once; status: null is 422.
    merge_patch test_cleared_key_is_null_until_that_has_arrived_and_then_left_out
    merge_patch test_cleared_key_is_null_if_it_was_perhaps_sent
    results test_wrong_report_is_refused_before_anything_is_queued

On the wire there is no status until somebody reported one.
    merge_patch test_only_what_was_set_is_sent
    results test_report_accepts_an_order_and_ends_its_lease

correction: text up to 500 characters, ignored where none is needed.
    results test_correction_is_kept_in_the_timeline
    results test_wrong_report_is_refused_before_anything_is_queued

POST /orders/{id}/result/preview: the same body → 200 {"wire": {…}, "score_text": "28/80", "score_percent": 13},
nothing stored
    preview test_preview_is_the_wire_and_the_recruiters_reading
    preview test_preview_stores_nothing

422 as PATCH would, never 409
    preview test_wrong_report_is_refused_as_by_patch
    preview test_preview_adds_to_what_was_reported_and_is_never_a_conflict

without a score both are null; percent is (raw − min) / (max − min), half up.
    preview test_percent_is_rounded_half_up
    preview test_preview_adds_to_what_was_reported_and_is_never_a_conflict

POST /orders/{id}/attachments: multipart file (and assessment_id, name), or JSON {"type", "url", "assessment_id"?,
"name"?} → 201 attachment
    attachments test_file_is_hosted_under_a_random_link
    attachments test_address_is_kept_as_it_is
    attachments test_wrong_form_is_refused

the same content or URL again → 200, the same one.
    attachments test_same_content_or_address_again_is_the_same_attachment
    parallel test_same_file_from_all_sides_is_one_attachment

Files: PDF, PNG, JPEG, found by content, up to 10 MB (413, 422).
    attachments test_kind_is_found_by_content
    attachments test_what_is_no_whole_report_is_refused
    attachments test_file_that_is_too_large_is_413

An attachment goes out with the next result, at once when a status was reported, and for an assessment without a
result too.
    attachments test_attachment_waits_for_a_status_and_then_goes_at_once

DELETE /orders/{id}/attachments/{id} → 204.
    attachments test_attachment_that_is_removed_is_gone_with_its_file
    attachments test_attachment_of_another_order_is_not_found

GET /orders/{id}/candidate, /job, /hiring-team: what was fetched from SmartRecruiters after the order came in, in
snake_case
    handlers test_candidate_job_and_team_are_kept_in_short

202 with Retry-After while it is on its way; 404 with the reason where there is none (inline orders have no candidate
id; no access).
    handlers test_what_is_on_its_way_is_202_and_what_is_refused_404
    handlers test_inline_order_has_no_candidate
    handlers test_no_access_is_said_after_one_new_token

GET /orders/{id}/timeline → {"results": [{"at", "hop": "in | engine | candidate | out", "what", "by", "detail"}]}.
    engine_orders test_timeline_is_newest_first
    outsider test_ordinary_order_is_completed

Webhooks: GET|POST /webhooks {"url", "events": […]} → 201 {"id", "url", "events", "secret"} (whsec_ and base64; from
POST and rotate only), PATCH, DELETE (204) /webhooks/{id}, POST /webhooks/{id}/rotate, POST /webhooks/{id}/test.
    webhooks test_webhook_is_shown_with_its_secret_once
    webhooks test_test_message_is_sent_to_this_endpoint_only
    webhooks test_removed_endpoint_hears_nothing_more
    webhooks test_rotated_secret_overlaps_with_the_former_one
    engine_interface test_webhooks_secret_comes_from_post_and_rotate_alone

Standard Webhooks headers and v1 signature
    webhooks test_event_reaches_the_endpoint_signed_and_thin

any 2xx is success, anything else is tried again, first after about 5 s, with the same webhook-id
    webhooks test_any_2xx_is_a_success
    webhooks test_refused_message_goes_again_after_about_five_seconds_with_the_same_id

nothing of the candidate; only what happens after the POST.
    webhooks test_event_reaches_the_endpoint_signed_and_thin
    engine_interface test_webhook_hears_only_of_what_happens_after_its_post

Body {"type", "timestamp", "data": {"order": "id", "url": "…"}}. Events: order.created, order.expired,
delivery.failed, connection.enabled, connection.disabled (data: {"customer", "company_id"}).
    webhooks test_event_reaches_the_endpoint_signed_and_thin
    expiry test_order_that_nobody_began_expires
    handlers test_result_that_becomes_a_dead_letter_is_an_event
    outsider test_ordinary_order_is_completed
    engine_interface test_disabled_connection_is_an_event_whatever_is_subscribed

GET /events?after=CURSOR → {"results": [{…body, "cursor"}, …], "next": URL or null}, in one order, none skipped, each
listed within 10 s of its cause, all types whatever is subscribed
    webhooks test_events_by_pull_go_on_behind_the_cursor
    webhooks test_event_committed_late_is_numbered_late_and_never_skipped
    engine_interface test_disabled_connection_is_an_event_whatever_is_subscribed

next is null at the end, and after the last cursor goes on.
    webhooks test_events_by_pull_go_on_behind_the_cursor
    webhooks test_cursor_that_is_none_is_refused
    engine_interface test_events_begin_where_no_cursor_is_named

Engines get 400 (not a JSON object), 401, 403, 404, 409 (state), 410 (erased), 413, 415, 422 (any field: wrong type,
value or rule, unknown keys included).
    engine test_put_of_no_good_json
    engine test_replace_takes_more_than_other_calls
    engine_orders test_route_is_for_engines_alone
    engine_orders test_erased_order_is_gone_everywhere
    attachments test_broken_body_is_refused
    attachments test_file_that_is_too_large_is_413
    results test_transition
    results test_wrong_report_is_refused_before_anything_is_queued
"""


DOCS = """
Your engine publishes packages, takes the orders that arrive from SmartRecruiters and reports results. It never calls
SmartRecruiters itself.
    engine_api test_quick_start_of_the_page_brings_a_result_to_smartrecruiters
    outsider test_ordinary_order_is_completed

Get a token, valid for half an hour. Staff create the client under “Engines” in admin or with manage.py
create_engine_client.
    token test_engine_gets_the_vendor_scope_and_no_other
    admin test_engine_secret_is_shown_once
    create_engine_client test_create_engine_client_prints_a_pair_that_gets_a_token

Publish a package, which customers order. Its id is in the URL; send it again to change it.
    engine_api test_quick_start_of_the_page_brings_a_result_to_smartrecruiters
    engine test_put_of_a_new_package
    engine test_put_keeps_missing_keys

Lease orders that are not yet accepted, oldest first. They are reserved for you for a minute, and permanently once you
accept them.
    leases test_oldest_orders_are_leased_and_no_one_twice
    engine_interface test_lease_is_of_ten_orders_for_a_minute
    leases test_only_what_waits_for_an_engine_is_leased

Accept the order and say where its assessment starts. Afterwards, send the candidate to the order's return_url.
    candidate test_button_leads_to_the_engine_and_makes_it_in_progress
    candidate test_others_are_thanked

Upload a report file (PDF, PNG or JPEG, up to 10 MB). It is sent with the next result.
    attachments test_kind_is_found_by_content
    attachments test_file_that_is_too_large_is_413
    attachments test_attachment_waits_for_a_status_and_then_goes_at_once

Report the result. Send what you know when you know it; omitted fields keep their values. Scores are whole numbers.
    results test_report_is_kept_shown_and_enqueued_once
    results test_assessments_are_merged_by_their_id
    results test_wrong_score_is_told_what_would_be_right

Check that it reached SmartRecruiters: then "delivery" is "delivered". The timeline has the details.
    results test_delivery_is_the_state_of_the_newest
    engine_orders test_timeline_is_newest_first
    engine_api test_quick_start_of_the_page_brings_a_result_to_smartrecruiters

PORTAL is this portal’s URL; CLIENT_ID and CLIENT_SECRET are your engine’s credentials. A complete engine in under 200
lines is in integrations/simulator/engine.py.
    engine_api test_quick_start_of_the_page_brings_a_result_to_smartrecruiters
    simulator/engine test_engine_is_short_and_independent

An endpoint receives the event types that it names, from its registration on.
    engine_interface test_webhook_hears_only_of_what_happens_after_its_post

Register an endpoint: an https URL on a public host. Only this response shows its secret.
    webhooks test_address_that_is_not_public_https_is_refused
    webhooks test_webhook_is_shown_with_its_secret_once
    engine_interface test_webhooks_secret_comes_from_post_and_rotate_alone

Send a test message. Its data is {"test": true}.
    webhooks test_test_message_is_sent_to_this_endpoint_only
    engine_api test_webhooks_of_the_page_reach_its_endpoint

Rotate the secret. For a day every message is signed with the former one, too, so that you have time to replace it.
    webhooks test_rotated_secret_overlaps_with_the_former_one
    webhooks test_each_rotated_secret_signs_for_its_own_day
    engine_api test_webhooks_of_the_page_reach_its_endpoint

Change the events or the URL. This also switches an endpoint on again and sends its waiting messages.
    engine_interface test_webhooks_secret_comes_from_post_and_rotate_alone
    webhooks test_gone_endpoint_is_switched_off_and_back_on_by_a_patch

Delete the endpoint. Nothing more is sent to it.
    webhooks test_removed_endpoint_hears_nothing_more

Each message is a JSON POST that names the order and contains no candidate data; fetch the rest from its url.
    webhooks test_event_reaches_the_endpoint_signed_and_thin
    outsider test_ordinary_order_is_completed

order.created SmartRecruiters has placed an order. {"order": "id", "url": "…"}
    webhooks test_event_reaches_the_endpoint_signed_and_thin
    engine_interface test_events_begin_where_no_cursor_is_named

order.expired The candidate did not start in time, or you reported EXPIRED. {"order": "id", "url": "…"}
    expiry test_order_that_nobody_began_expires
    results test_order_that_the_engine_expires_is_an_event

delivery.failed A result cannot be delivered to SmartRecruiters; staff see the reason. {"order": "id", "url": "…"}
    handlers test_result_that_becomes_a_dead_letter_is_an_event

connection.enabled A customer has connected a company. {"customer": "id", "company_id": "…"}
    outsider test_ordinary_order_is_completed
    webhooks test_events_by_pull_go_on_behind_the_cursor

connection.disabled A company was disconnected. {"customer": "id", "company_id": "…"}
    engine_interface test_disabled_connection_is_an_event_whatever_is_subscribed

It has the three headers of the Standard Webhooks specification:
    webhooks test_event_reaches_the_endpoint_signed_and_thin

webhook-id The message’s id, the same for every attempt.
    webhooks test_refused_message_goes_again_after_about_five_seconds_with_the_same_id

webhook-timestamp When this attempt was signed, in seconds since 1970.
    webhooks test_event_reaches_the_endpoint_signed_and_thin
    views test_lines_by_hand_know_a_genuine_message

webhook-signature One signature for each active secret, separated by spaces: v1, and the base64 of HMAC-SHA256 over
id.timestamp.body.
    webhooks test_rotated_secret_overlaps_with_the_former_one
    views test_lines_by_hand_know_a_genuine_message

With the package standardwebhooks, this is a complete endpoint:
    engine_api test_webhooks_of_the_page_reach_its_endpoint

Without it, use these lines. The key is the base64-decoded part after whsec_; sign the raw body, not the parsed one.
    views test_lines_by_hand_know_a_genuine_message
    views test_lines_by_hand_refuse_what_is_none

Any 2xx response within 20 seconds counts as delivered.
    webhooks test_any_2xx_is_a_success
    views test_page_says_the_schedule_that_is_kept

Anything else is retried with the same webhook-id: after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, 8 h, then
every 12 h, each ± 20 %, for seven days.
    webhooks test_refused_message_goes_again_after_about_five_seconds_with_the_same_id
    views test_page_says_the_schedule_that_is_kept
    retry_policy test_delay_is_within_a_fifth_of_the_schedule
    courier test_network_failures_for_a_week_are_a_dead_letter

Messages may arrive twice or out of order: keep the ids that you have handled, and fetch the order.
    engine_api test_webhooks_of_the_page_reach_its_endpoint
    courier test_delivery_left_in_flight_by_a_dead_holder_is_sent_again

Redirects are not followed and count as failures.
    webhooks test_refused_message_goes_again_after_about_five_seconds_with_the_same_id

410 switches the endpoint off at once; so do five days without a success.
    webhooks test_gone_endpoint_is_switched_off_and_back_on_by_a_patch
    webhooks test_endpoint_without_success_for_five_days_is_switched_off

While it is off, its messages are kept. They are sent when you change it (PATCH; {} is enough) or when staff switch it
on.
    webhooks test_gone_endpoint_is_switched_off_and_back_on_by_a_patch
    admin/webhooks test_endpoint_that_is_off_keeps_them
    admin/webhooks test_endpoint_is_switched_on_again

Staff see every attempt under “Webhooks” in admin and can send the messages of a period again.
    admin/webhooks test_every_try_is_shown
    admin/webhooks test_stretch_of_time_goes_again_under_the_same_ids

An engine behind a firewall can poll the same events, of all types. Each is listed within ten seconds of its cause, and
the cursor skips none.
    engine_interface test_disabled_connection_is_an_event_whatever_is_subscribed
    webhooks test_event_committed_late_is_numbered_late_and_never_skipped
    webhooks test_numbering_by_one_who_lost_the_lease_leaves_it_to_the_other

Read the events in a fixed order. The first call starts with the oldest.
    webhooks test_events_by_pull_go_on_behind_the_cursor
    engine_interface test_events_begin_where_no_cursor_is_named
    engine_api test_events_of_the_page_go_on_behind_the_cursor

Continue after the last cursor that you have handled. While next is not null, more events are ready.
    webhooks test_events_by_pull_go_on_behind_the_cursor
    engine_api test_events_of_the_page_go_on_behind_the_cursor

JSON in snake_case, times in ISO 8601 UTC. Unknown keys are refused by name.
    engine_orders test_order_has_exactly_this_shape
    engine_errors test_wrong_report
    pagination test_parameter_that_is_none_is_refused

Errors are application/problem+json; errors says what each field expects.
    engine_errors test_wrong_report
    engine_errors test_wrong_file
    engine_errors test_wrong_webhook
    engine test_put_of_an_invalid_package

Lists have results, next and previous; ?limit= is 50 by default, at most 200. A row that exists throughout is
listed exactly once.
    engine_interface test_every_list_has_this_shape
    pagination test_default_and_most
    pagination test_rows_that_come_and_go_between_pages

Any POST accepts an Idempotency-Key: within a day the same key returns the first response, 422 with another body, or
409 while the first call is running.
    engine_interface test_every_post_takes_an_idempotency_key
    idempotency test_repeated_post_gives_the_stored_answer_whole
    idempotency test_key_is_free_again_after_a_day
    idempotency test_other_body_under_the_same_key_is_refused
    idempotency test_first_call_that_still_runs_is_a_conflict

Scores are whole numbers with min and max. After a final status, a change needs "correction" with the reason.
    results test_wrong_score_is_told_what_would_be_right
    results test_transition
    results test_correction_is_kept_in_the_timeline

A report is a file (PDF, PNG or JPEG, up to 10 MB, recognised by content) or a URL, such as a video. The package and
each assessment can have several.
    attachments test_kind_is_found_by_content
    attachments test_address_is_kept_as_it_is
    attachments test_several_reports_of_each_kind_go_out_where_they_belong
"""

CALLS = """
GET customers: List the customers that rules may name.
    engine test_customers

GET events: List all events in order, for engines without webhooks.
    webhooks test_events_by_pull_go_on_behind_the_cursor

GET orders: List orders, newest first.
    engine_orders test_list_is_newest_first_and_paged

GET orders/{order_id}: Return the order with its result and the state of the delivery to SmartRecruiters.
    engine_orders test_order_has_exactly_this_shape
    results test_delivery_is_the_state_of_the_newest

POST orders/{order_id}/accept: Accept the order, with or without a lease. The candidate takes the assessment at
launch_url.
    leases test_accepting_needs_no_lease_and_ends_one
    candidate test_button_leads_to_the_engine_and_makes_it_in_progress

POST orders/{order_id}/attachments: Attach a report: a file, or a URL of yours. Repeating it returns 200 and the same
attachment.
    attachments test_file_is_hosted_under_a_random_link
    attachments test_address_is_kept_as_it_is
    attachments test_same_content_or_address_again_is_the_same_attachment

DELETE orders/{order_id}/attachments/{attachment_id}: Remove a report, here and at SmartRecruiters.
    attachments test_attachment_that_is_removed_is_gone_with_its_file
    merge_patch test_last_attachment_that_goes_leaves_an_empty_array_once

GET orders/{order_id}/candidate: Return our copy of the data at SmartRecruiters. 202 with Retry-After until it arrives,
404 without any.
    handlers test_candidate_job_and_team_are_kept_in_short
    handlers test_what_is_on_its_way_is_202_and_what_is_refused_404

GET orders/{order_id}/hiring-team: Return our copy of the data at SmartRecruiters. 202 with Retry-After until it
arrives, 404 without any.
    handlers test_candidate_job_and_team_are_kept_in_short
    handlers test_what_is_on_its_way_is_202_and_what_is_refused_404

GET orders/{order_id}/job: Return our copy of the data at SmartRecruiters. 202 with Retry-After until it arrives, 404
without any.
    handlers test_candidate_job_and_team_are_kept_in_short
    handlers test_what_is_on_its_way_is_202_and_what_is_refused_404

PATCH orders/{order_id}/result: Report changes of the result. They are sent to SmartRecruiters at once.
    results test_report_is_kept_shown_and_enqueued_once

POST orders/{order_id}/result/preview: Return the patch of a report, and its score as recruiters see it, without storing
it.
    preview test_preview_is_the_wire_and_the_recruiters_reading
    preview test_preview_stores_nothing

GET orders/{order_id}/timeline: Return everything that happened to the order, newest first.
    engine_orders test_timeline_is_newest_first
    timeline test_timeline_has_the_newest_on_top

POST orders/lease: Lease the oldest free orders. They are yours until the lease ends, or for good once accepted.
    leases test_oldest_orders_are_leased_and_no_one_twice
    leases test_lease_that_ran_out_is_given_again
    leases test_only_what_waits_for_an_engine_is_leased

GET packages: List the packages, ordered by id.
    pagination test_every_row_once

PUT packages: Replace the catalogue in one transaction. Missing packages are retired.
    engine test_replace
    engine test_replace_by_an_invalid_list_changes_nothing

GET packages/{package_id}: Return a package with its assessments and rules.
    engine test_put_of_everything

PUT packages/{package_id}: Create or update a package. A missing key keeps its stored value.
    engine test_put_of_a_new_package
    engine test_put_keeps_missing_keys

DELETE packages/{package_id}: Retire a package. It is no longer offered; its orders go on.
    engine test_delete_retires

GET webhooks: List the webhook endpoints of this engine.
    webhooks test_webhook_is_shown_with_its_secret_once
    webhooks test_webhook_of_another_engine_is_not_there

POST webhooks: Register an endpoint. Only this response shows its secret.
    engine_interface test_webhooks_secret_comes_from_post_and_rotate_alone

GET webhooks/{webhook_id}: Return an endpoint, without its secret.
    webhooks test_webhook_is_shown_with_its_secret_once

PATCH webhooks/{webhook_id}: Change the URL or the events. A disabled endpoint is enabled again.
    engine_interface test_webhooks_secret_comes_from_post_and_rotate_alone
    webhooks test_gone_endpoint_is_switched_off_and_back_on_by_a_patch

DELETE webhooks/{webhook_id}: Delete the endpoint. Nothing more is sent to it.
    webhooks test_removed_endpoint_hears_nothing_more

POST webhooks/{webhook_id}/rotate: Rotate the secret. For a day, messages also carry the former one's signature.
    webhooks test_rotated_secret_overlaps_with_the_former_one
    webhooks test_each_rotated_secret_signs_for_its_own_day

POST webhooks/{webhook_id}/test: Send a test message.
    webhooks test_test_message_is_sent_to_this_endpoint_only
"""

ANSWERS = """
204 No response body
    engine_interface test_webhooks_secret_comes_from_post_and_rotate_alone

400 The body is not valid JSON
    engine test_put_of_no_good_json

401 No token, or an unknown, expired or revoked one
    engine_orders test_route_is_for_engines_alone
    token test_expired_token_is_refused_at_once_though_remembered

403 The token lacks the scope vendor
    engine test_without_the_vendors_scope

404 Not found
    engine_errors test_id_that_is_none_is_not_there

409 Not possible in this state, or the first request with this Idempotency-Key is still running
    results test_transition
    idempotency test_first_call_that_still_runs_is_a_conflict

410 The candidate was erased
    engine_orders test_erased_order_is_gone_everywhere

413 The body is too large
    engine test_replace_takes_more_than_other_calls
    engine_errors test_wrong_file

414 The URL is too long
    worker test_request_that_is_too_large_is_refused_at_once

415 Unsupported content type
    engine_errors test_content_type_that_is_not_taken

422 A field is invalid: each error names it and says what would be valid
    engine_errors test_wrong_report
    engine test_put_of_an_invalid_package

431 The headers are too large
    worker test_request_that_is_too_large_is_refused_at_once

503 The database is busy: nothing was stored, try again
    faults test_order_while_the_database_is_locked_is_503_in_time
"""


class Sentence(NamedTuple):
    text: str
    tests: list[tuple[str, str]]  # (file, function)


def parse_sentences(table: str = TABLE) -> Iterator[Sentence]:
    for block in table.strip().split("\n\n"):
        lines = block.split("\n")
        tests = [line.split() for line in lines if line.startswith("    ")]
        text = " ".join(line for line in lines if not line.startswith("    "))
        yield Sentence(text, [(FILES[file], name) for file, name in tests])
