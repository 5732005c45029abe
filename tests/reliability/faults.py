"""Proofs for faults (D), README.md section 3."""

from tests.reliability.rows import Row

COURIER = "tests/integrations/outbox/test_courier.py::test_"
FAULTS = "tests/integrations/outbox/test_faults.py::test_"
PARKING = "tests/integrations/outbox/test_parking.py::test_"
CONNECTING = "tests/integrations/connections/test_exchange.py::test_"
WHOLE_WAY = "tests/e2e/test_the_whole_way.py::test_"
INTAKE = "tests/orders/test_intake.py::test_"
DELIVERIES = "tests/orders/handlers/test_handlers.py::test_"
UPLOADS = "tests/orders/handlers/test_uploads.py::test_"
ATTACHMENTS = "tests/orders/test_attachments.py::test_"
RETRY_POLICY = "tests/integrations/outbox/test_retry_policy.py::test_"
SIMULATED = "tests/orders/handlers/test_uploads_simulated.py::test_"


ROWS: dict[str, Row] = {
    "D1": Row(
        "Worker killed before the request leaves",
        (
            f"{FAULTS}worker_killed_at_any_place_sends_all_the_same",
            f"{COURIER}delivery_left_in_flight_by_a_dead_holder_is_sent_again",
            "crash: kill courier-a",
        ),
    ),
    "D2": Row(
        "Worker killed or stopped between request and response",
        (
            f"{FAULTS}worker_killed_at_any_place_sends_all_the_same",
            f"{FAULTS}call_that_was_stopped_past_its_deadline_is_not_made",
            f"{FAULTS}courier_stopped_before_its_call_writes_nothing_over_its_successor",
            "crash: courier stopped past its lease",
        ),
    ),
    "D3": Row(
        "Worker killed after a 200, before the commit",
        (f"{FAULTS}worker_killed_at_any_place_sends_all_the_same", "crash: kill courier-b"),
    ),
    "D4": Row("All workers killed at random", ("crash: kill both couriers", "crash: kill all of the portal")),
    "D6": Row(
        "Graceful deploy under load (SIGTERM)",
        (
            "tests/e2e/test_rolling_restart.py::test_restart_in_order_turns_no_order_away_and_repeats_nothing",
            "tests/config/server/test_worker.py::test_worker_that_stops_answers_all_who_have_connected",
            "crash: couriers restarted one after the other",
            "crash: web restarted gracefully",
        ),
    ),
    "D7": Row(
        "Web killed between commit and wake-up",
        ("crash: kill web",),
        "No request uses the broker: the dispatcher finds due deliveries in the database.",
    ),
    "D8": Row(
        "Web killed before the commit",
        (f"{INTAKE}same_order_again_is_answered_the_same_and_kept_once", "crash: kill web"),
    ),
    "D9": Row(
        "Commit succeeds, connection to the database dies",
        ("tests/e2e/test_commit_lost.py::test_order_whose_commit_went_unheard_is_one_order_when_it_comes_again",),
    ),
    "D10": Row("Broker down", ("crash: broker down",)),
    "D11": Row(
        "Broker accepts and stays silent",
        (f"{WHOLE_WAY}order_is_answered_at_once_while_smartrecruiters_and_the_broker_hang", "crash: broker hangs"),
    ),
    "D12": Row("Broker wiped", ("crash: broker flushed",)),
    "D13": Row("Broker restarted empty, or evicting", ("crash: kill broker", "crash: broker evicts its keys")),
    "D15": Row(
        "Task delivered twice",
        (
            f"{COURIER}two_couriers_never_hold_one_stream",
            f"{FAULTS}sixteen_workers_and_one_order_have_one_call_on_the_way",
        ),
    ),
    "D16": Row(
        "Scheduler dead, or two of them",
        (
            f"{FAULTS}two_dispatchers_wake_each_stream_once",
            "tests/config/test_schedule.py::test_several_schedulers_do_everything_once",
            "tests/config/test_schedule.py::test_several_schedulers_import_a_file_once",
            "tests/e2e/test_processes.py::test_second_process_of_each_kind_does_no_harm_and_ends_on_sigterm",
            "tests/config/supervisor/test_supervisor.py::test_dead_child_starts_again",
            "crash: kill scheduler",
            "crash: a second scheduler and dispatcher",
        ),
    ),
    "D17": Row(
        "Database restarted (fast)",
        (
            f"{FAULTS}database_that_goes_away_before_an_outcome_is_written_loses_nothing",
            f"{FAULTS}database_that_goes_away_while_a_call_is_built_is_no_fault_of_the_call",
            f"{FAULTS}stream_with_calls_on_their_way_is_kept_when_the_coordinator_dies",
            "crash: PostgreSQL restarted fast",
        ),
    ),
    "D18": Row(
        "Database killed",
        (
            f"{FAULTS}clock_goes_on_while_the_database_server_is_away",
            "tests/config/test_settings.py::test_commit_on_postgresql_waits_for_the_disk",
            "crash: PostgreSQL restarted immediately",
        ),
    ),
    "D19": Row(
        "Database slow or out of connections",
        (
            "tests/e2e/test_database_slow.py::test_order_is_503_within_five_seconds_whatever_the_database_does",
            f"{FAULTS}order_while_the_database_is_locked_is_503_in_time",
            "tests/config/test_settings.py::test_request_waits_four_seconds_for_the_database_and_a_worker_longer",
        ),
    ),
    "D20": Row(
        "SQLite: writer killed, locks contended",
        (f"{FAULTS}writer_killed_on_sqlite_loses_no_acknowledged_row", "crash: kill web"),
    ),
    "D22": Row(
        "Deadlock, serialization failure",
        (f"{CONNECTING}connects_disables_and_orders_at_once_are_never_a_fault_of_ours",),
    ),
    "D23": Row(
        "Restore to a point in time",
        (f"{FAULTS}row_restored_from_a_dump_is_sent_again_the_same",),
        "Orders accepted after the dump are lost; SmartRecruiters' users see them pending and order again.",
    ),
    "D24": Row(
        "500 repeatedly",
        (
            f"{COURIER}answer_that_is_no_success_is_tried_again_on_the_schedule",
            f"{COURIER}failures_in_a_row_break_the_circuit_and_one_success_closes_it",
            f"{RETRY_POLICY}schedule_is_the_design_s",
            "crash: result: 500",
        ),
    ),
    "D25": Row("Retry-After as a date, or absurd", (f"{RETRY_POLICY}pause_follows_retry_after_within_bounds",)),
    "D26": Row(
        "429",
        (
            f"{COURIER}credential_is_paced_below_ten_a_second_and_eight_at_a_time",
            f"{COURIER}pause_of_the_credential_ends_with_the_refused_call",
            "crash: result: 429",
        ),
    ),
    "D27": Row("SmartRecruiters hangs", (f"{FAULTS}peer_that_never_answers_is_left_in_time", "crash: result: hangs")),
    "D29": Row("Connection reset before the effect", ("crash: result: dropped",)),
    "D30": Row(
        "Connection reset after the effect of a PATCH",
        ("crash: result: dropped after the effect", "crash: result: 500 after the effect"),
    ),
    "D31": Row(
        "Connection reset after the effect of an upload",
        (
            f"{COURIER}not_idempotent_call_with_unknown_outcome_is_never_repeated",
            f"{UPLOADS}lost_answer_is_found_by_the_next_result",
            f"{UPLOADS}upload_whose_courier_died_is_in_doubt_and_not_repeated",
            f"{UPLOADS}removed_on_its_way_is_taken_away",
            "crash: upload: dropped after the effect",
        ),
    ),
    "D32": Row(
        "Success that is none: HTML, garbage, truncated, error body",
        (
            f"{COURIER}answer_that_is_none_is_never_a_success",
            f"{FAULTS}page_in_place_of_json_is_sent_again_until_json_comes",
            "crash: result: an HTML page",
            "crash: result: garbage",
            "crash: result: truncated",
        ),
    ),
    "D33": Row(
        "302 to a sign-in page", (f"{FAULTS}redirect_is_a_failure_and_is_not_followed", "crash: result: a redirect")
    ),
    "D34": Row(
        "401 once",
        (
            f"{COURIER}unauthorized_once_gets_one_new_token_at_once",
            f"{COURIER}unauthorized_read_is_no_access_and_done",
            "crash: result: 401",
            "crash: tokens expire",
            "crash: candidate: 401",
        ),
    ),
    "D35": Row(
        "401 for ever",
        (
            f"{COURIER}unauthorized_orders_three_in_a_row_hold_the_stream",
            f"{COURIER}token_call_that_refuses_the_pair_holds_the_stream",
            f"{COURIER}backlog_that_is_refused_asks_for_few_tokens",
            "crash: credentials are revoked",
        ),
    ),
    "D36": Row(
        "403, 404, 409, 410, 422",
        (
            f"{COURIER}refusal_is_a_dead_letter_at_once",
            f"{COURIER}forbidden_ten_in_a_row_hold_the_stream",
            f"{DELIVERIES}fresh_order_that_is_unknown_is_tried_for_a_quarter_of_an_hour",
            "crash: result: 403",
            "crash: result: 404",
            "crash: result: 409",
            "crash: result: 422",
        ),
    ),
    "D37": Row(
        "Token endpoint down, slow or 429",
        (
            f"{FAULTS}token_is_fetched_once_for_many_calls",
            f"{FAULTS}token_endpoint_that_is_down_pauses_the_credential",
            f"{PARKING}hanging_token_requests_do_not_delay_another_stream",
            "crash: token: 500",
            "crash: token: hangs",
        ),
    ),
    "D38": Row(
        "Thundering herd after a 24 h outage, 100,000 deliveries",
        (
            f"{FAULTS}backlog_of_an_outage_is_one_call_an_order",
            f"{FAULTS}customer_with_ten_thousand_results_or_slow_calls_delays_nobody",
            "crash: result: 503 everywhere",
        ),
    ),
    "D39": Row(
        "Outage of 75 h",
        (f"{FAULTS}outage_of_three_days_is_sat_out", f"{COURIER}network_failures_for_a_week_are_a_dead_letter"),
    ),
    "D40": Row(
        "DNS failure, wrong answer, expired certificate",
        (
            f"{FAULTS}name_that_is_not_found_is_a_failure_without_effect",
            f"{FAULTS}certificate_that_is_not_good_is_a_failure_without_effect",
        ),
    ),
    "D41": Row("Clock of a host steps", (f"{FAULTS}step_of_the_host_s_clock_takes_no_lease_from_its_holder",)),
    "D42": Row(
        "Workers race for one row",
        (
            f"{FAULTS}sixteen_workers_and_one_order_have_one_call_on_the_way",
            f"{FAULTS}takeover_by_one_who_lost_the_lease_takes_nothing_from_its_successor",
            f"{COURIER}late_answer_of_a_former_holder_changes_nothing",
        ),
    ),
    "D44": Row(
        "Poison message",
        (
            f"{COURIER}bug_in_a_handler_stops_that_delivery_only",
            f"{COURIER}bug_after_an_effect_that_cannot_be_repeated_repeats_nothing",
            f"{COURIER}kind_that_nobody_knows_stops_no_other",
        ),
    ),
    "D45": Row(
        "One slow customer (14 s a call)", (f"{FAULTS}customer_with_ten_thousand_results_or_slow_calls_delays_nobody",)
    ),
    "D46": Row(
        "Crash between issuing our credentials and the exchange",
        (
            f"{CONNECTING}exchange_goes_on_by_itself_when_smartrecruiters_is_back",
            "connect: slow",
        ),
    ),
    "D47": Row(
        "Exchange took effect, response lost",
        (
            f"{CONNECTING}lost_answer_needs_a_reconnect_and_our_pair_goes_on_working",
            f"{CONNECTING}reconnect_after_a_lost_answer_releases_what_was_held",
            "connect: drop",
            "connect: truncated",
        ),
    ),
    "D48": Row(
        "Crash or database away after the response, before the write",
        (
            f"{FAULTS}database_that_goes_away_before_an_outcome_is_written_loses_nothing",
            "connect: slow",
        ),
    ),
    "D49": Row(
        "Disable during delivery or consent; disable, connect, disable",
        (
            f"{FAULTS}disable_while_a_call_is_on_its_way_starts_no_other",
            "tests/integrations/connections/test_lifecycle.py::test_disable_while_their_pair_is_being_stored_wins",
            f"{CONNECTING}disable_before_the_exchange_cancels_it",
            f"{WHOLE_WAY}disconnecting_cuts_off_at_once_and_reconnecting_goes_on",
        ),
    ),
    "D50": Row(
        "Database disk full",
        (f"{FAULTS}order_while_the_database_is_locked_is_503_in_time", "crash: disk full"),
    ),
    "D51": Row("Disk of files or logs full", (f"{ATTACHMENTS}full_disk_is_503_and_leaves_nothing", "crash: disk full")),
    "D52": Row(
        "File missing or damaged at sending",
        (f"{ATTACHMENTS}damaged_report_is_never_served", f"{UPLOADS}damaged_file_is_not_sent_and_the_result_is"),
        "A hosted report is sent as a link, which needs no file.",
    ),
    "D53": Row(
        "Out of memory or descriptors",
        (
            "tests/config/server/test_worker.py::test_descriptors_that_run_out_stop_nothing_for_long",
            "crash: kill all of the portal",
        ),
        "Without memory the process ends, like by a SIGKILL.",
    ),
    "D54": Row(
        "Migration under traffic",
        (),
        "Not applicable before the first release.",
    ),
    "D55": Row("Rollback of code", (), "Not applicable before the first release."),
    "D56": Row(
        "Encryption key missing or rotated meanwhile",
        (f"{FAULTS}key_that_is_missing_for_a_while_loses_nothing",),
    ),
    "D58": Row(
        "Network partition during a commit",
        ("tests/e2e/test_commit_lost.py::test_order_whose_commit_went_unheard_is_one_order_when_it_comes_again",),
    ),
    "D59": Row(
        "Crash after an e-mail or webhook was sent",
        (
            "tests/orders/handlers/test_emails.py::test_repeat_has_the_same_message_id",
            "tests/orders/handlers/test_smtp.py::"
            "test_courier_that_dies_sends_once_or_where_smtp_cannot_tell_again_under_the_same_id",
            "tests/integrations/webhooks/test_webhooks.py::"
            "test_refused_message_goes_again_after_about_five_seconds_with_the_same_id",
        ),
    ),
    "D60": Row(
        "Time zones, leap days, leap seconds",
        (
            "tests/orders/test_calendar.py::test_instants_waits_and_terms_are_the_same_everywhere",
            "tests/orders/test_calendar.py::test_lease_of_a_stream_and_retention_count_seconds",
        ),
    ),
    "D61": Row(
        "Thousands of one customer's emails wait",
        (
            "tests/orders/handlers/test_smtp.py::test_thousands_of_invitations_delay_no_other_email",
            "tests/orders/handlers/test_smtp.py::test_streams_together_keep_to_the_rate_of_the_mail_server",
            "tests/orders/handlers/test_smtp.py::test_failures_of_one_customers_emails_pause_no_other_stream",
        ),
    ),
    "D62": Row(
        "Many peers that hang at once",
        (
            f"{PARKING}many_hanging_streams_do_not_delay_another_one",
            f"{PARKING}parked_courier_is_orphaned_like_any_other_when_its_process_dies",
            f"{PARKING}outcome_of_a_parked_call_survives_an_outage_of_the_database",
            f"{PARKING}parked_courier_that_lost_its_lease_writes_nothing",
            f"{PARKING}process_that_ends_waits_for_its_parked_calls",
            "tests/e2e/test_hanging_endpoints.py::test_results_pass_seventy_endpoints_that_hang",
        ),
    ),
    "D63": Row(
        "Failover of the broker",
        ("tests/e2e/test_broker_failover.py::test_workers_go_on_after_a_failover",),
    ),
}
