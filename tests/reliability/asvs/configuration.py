"""V13 Configuration, V14 Data protection."""

TABLES = (
    """
13.1.1 All connections to others are documented
    doc: deploy/README.md#outgoing-connections

13.2.1 Parts authenticate to each other by credentials that change
    broker_tls broker_of_a_known_signer_is_connected_to
    operator: PostgreSQL and Redis know passwords in their URLs: change them as you change others, or use client
    operator: certificates (`sslcert`, `ssl_certfile`). Embedded, both are open to the portal's own user alone.

13.2.2 Parts have the least privileges
    requirements told_grant_suffices_for_any_name
    operator: The portal needs a user of its own on the machine, no root, and a database role that owns its schema.

13.2.3 No default credentials
    start broker_answers_on_its_socket
    seed_demo seed_demo_secrets_are_the_installations_own
    why: The embedded broker has a socket in a private folder and no port.

13.2.4 Outgoing calls go to hosts of a list
    client webhook_to_a_private_address_in_disguise_goes_nowhere
    hostile_peer callback_changed_in_the_database_leads_nowhere_else
    operator: Allow the host only the destinations listed under “Outgoing connections”. Webhooks go to any public host.

13.2.5 The web server loads and calls only what is on a list
    hostile_pages nothing_of_the_house_is_served
    static_files file_that_no_page_uses_is_not_served
    why: The server calls nothing for a request, but the malware scanner and the identity provider.

13.3.1 Secrets are managed
    canaries database_holds_no_secret_in_clear
    key_rotation rotation_leaves_nothing_that_needs_the_former_key
    preflight unsafe_settings_are_refused_in_one_line
    operator: Hand the settings over from your vault, by the environment or a file (`PORTAL_ENV_FILE`).

13.3.2 Secrets are seen by those who need them
    preflight files_are_private_whichever_process_is_first
    site admin_pages_show_no_secret
    roles no_page_shows_a_secret

13.4.1 No source control metadata can be reached
    hostile_pages nothing_of_the_house_is_served

13.4.2 No debug mode
    preflight unsafe_settings_are_refused_in_one_line
    preflight every_process_refuses

13.4.3 No directory listings
    hostile_pages nothing_of_the_house_is_served

13.4.4 No TRACE
    routes odd_methods_tell_and_do_nothing

13.4.5 Documentation and monitoring are not open by accident
    metrics metrics_are_refused_without_the_token
    static_files file_that_no_page_uses_is_not_served
    why: `/metrics` wants a token. The engine API's description is open on purpose, since it tells nothing of an
    why: installation, and so are `/healthz` and `/readyz`.
    operator: To keep them inside, let your proxy answer 404 for `/readyz`, `/api/vendor/v1/docs` and `…/schema`.
""",
    """
14.1.1 Sensitive data is known and classified
    doc: SECURITY.md#data-and-its-protection
    personal_data every_text_column_of_every_model_is_listed_once

14.1.2 Each class has documented rules
    doc: SECURITY.md#data-and-its-protection

14.2.1 No sensitive data in URLs
    token parameters_in_the_address_are_refused
    orders order_search_by_address_keeps_it_out_of_the_url
    customer search_leads_to_an_address_without_its_words_that_shows_it_again
    why: Four kinds of links are a permission by themselves, since those who open them have no account: the candidate's,
    why: a report's, an invitation's and a reset's. They are random, are masked in logs, and end.

14.2.2 Servers cache nothing sensitive
    routes every_page_carries_the_headers_of_a_careful_one
    token no_answer_may_be_cached
    why: Answers forbid it. The cache table holds counters and progress, no answers.

14.2.3 Nothing goes to trackers
    sign_in pages_load_nothing_from_elsewhere
    sentry event_holds_no_variables_requests_or_people

14.2.4 The rules of each class are kept
    canaries logs_hold_no_secret_and_nobody
    canaries people_stand_in_the_columns_that_are_listed_as_theirs
    every_access whoever_is_shown_a_candidate_is_named_by_who_saw
    retention order_is_erased_when_its_days_are_over
    erasure_proof nothing_is_left_of_an_erased_candidate

14.3.1 The browser forgets when the session ends
    sessions signing_out_ends_the_session_for_whoever_has_the_cookie
    candidate pages_are_private

14.3.2 Browsers cache nothing sensitive
    routes every_role_gets_what_the_table_says
    routes every_page_carries_the_headers_of_a_careful_one

14.3.3 No sensitive data in the browser's storage
    static_files libraries_bring_no_further_files
    why: Cookies hold random keys. Of the scripts, only Django's admin stores something: the theme and the state of the
    why: sidebar.
""",
)
