"""Proofs for secrets, personal data, audit and operations (S), README.md section 2.8."""

from tests.reliability.rows import parse_rows

ROWS = parse_rows("""
S1 Secrets and people in logs
    canaries logs_hold_no_secret_and_nobody
    logs secrets_and_addresses_are_masked

S2 Personal data in the broker
    canaries broker_hears_of_nothing
    hostile_peer broker_gets_numbers_of_streams_and_nothing_else

S3 Pickled task in the broker
    hostile_peer pickled_task_is_refused

S4 Secrets at rest
    canaries database_holds_no_secret_in_clear
    token token_is_stored_as_a_hash_only
    sessions table_of_sessions_opens_none

S5 Ciphertext copied to another row
    key_rotation secret_of_another_row_is_seen

S6 Key rotation under traffic
    key_rotation rotation_leaves_nothing_that_needs_the_former_key
    key_rotation rotation_takes_more_rows_than_a_batch_and_goes_on_where_it_was_stopped
    key_rotation value_that_changes_meanwhile_is_kept
    key_rotation row_whose_key_is_missing_is_named_and_unchanged

S7 Lost key
    key_rotation portal_is_not_ready_while_a_key_is_missing
    key_rotation start_says_which_key_is_missing
    exchange missing_key_pauses_and_its_return_goes_on
    faults key_that_is_missing_for_a_while_loses_nothing

S8 Tampering with the audit log
    chain entry_cannot_be_changed
    chain entries_cannot_be_deleted
    chain changed_entry_is_named
    chain deleted_entries_are_named
    chain end_that_was_cut_off_is_seen_and_stays_seen
    chain chain_made_anew_without_the_key_is_seen

S9 Unaudited acts
    log act_is_one_entry
    sign_in_log password_and_authenticator_app
    sign_in_log way_in_of_a_library
    sign_in_log sign_out
    sign_in_log role_of_staff
    sign_in_log role_in_an_organisation_by_staff

S10 Log injection
    logs line_break_in_a_value_begins_no_line

S11 Erasure
    erasure_proof nothing_is_left_of_an_erased_candidate
    erasure_proof nothing_is_left_when_several_processes_wrote_it
    erasure columns_listed_as_a_candidates_are_empty
    erasure call_on_its_way_is_waited_for_and_nothing_erased_meanwhile
    personal_data every_text_column_of_every_model_is_listed_once
    canaries erased_candidates_leave_neither_rows_nor_lines

S12 Retention
    retention order_is_erased_when_its_days_are_over
    retention another_customers_order_of_the_same_candidate_stays
    retention run_is_counted_in_the_audit_and_each_order_noted

S13 Access and portability
    export every_registered_column_is_in_the_export
    export export_holds_nobody_elses_orders
    export command_writes_a_private_file_and_audits

S14 Who saw a candidate?
    access_log everybody_who_saw_a_candidate_is_named_before_and_after_an_erasure
    access_log list_view_is_one_entry_that_names_its_orders_and_no_person
    access_log engine_is_recorded_once_a_day_for_each_order
    access_log candidates_erased_with_their_customer_or_by_retention_are_still_found
    every_access whoever_is_shown_a_candidate_is_named_by_who_saw
    every_access view_without_an_entry_is_found

S15 Offboarding
    offboarding customer_is_cut_off_its_data_returned_and_erased
    offboarding nothing_is_done_where_the_data_cannot_be_written

S16 Caches
    routes every_role_gets_what_the_table_says
    sessions signing_out_ends_the_session_for_whoever_has_the_cookie

S17 Backups
    erasure restored_backup_is_erased_again_by_the_log
    retention restored_backup_is_erased_again
    faults row_restored_from_a_dump_is_sent_again_the_same

S18 Other users of the machine
    preflight files_are_private_whichever_process_is_first
    preflight database_that_others_can_read_is_a_warning
    preflight data_folder_is_private_whoever_makes_it
""")
