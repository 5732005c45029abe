"""V8 Authorization, V9 Self-contained tokens, V10 OAuth and OIDC."""

TABLES = (
    """
8.1.1 Who may do and see what is documented
    doc: deploy/README.md#people-and-sign-in orders/api/README.md#conventions-of-both-apis

8.1.2 Fields that not everybody may see or set are documented
    doc: deploy/README.md#people-and-sign-in assessments/api/README.md#for-an-engine

8.2.1 Functions are for those with the permission
    routes every_role_gets_what_the_table_says
    roles acts_are_offered_and_done_by_role
    roles permission_that_nobody_names_is_an_administrators

8.2.2 Rows are for those they belong to
    routes every_role_gets_what_the_table_says
    smartrecruiters one_package_unknown_or_another_customers
    customer orders_of_another_customer_are_not_shown
    memberships right_counts_in_its_own_organisation_alone

8.2.3 Fields are for those with the permission
    roles candidate_is_seen_by_role
    lookups hidden_column_is_not_guessed
    lookups history_follows_the_permission_to_see_the_audit_log

8.3.1 Rules are enforced on the server
    routes every_role_gets_what_the_table_says
    roles nobody_raises_himself

8.4.1 One customer cannot affect another
    intake foreign_company_is_refused_and_written_down
    hostile_peer each_customers_token_is_used_for_its_own_orders_alone
    exchange company_of_one_customer_is_never_moved_to_another
    decisions first_approval_waits_and_issues_nothing
    ownership company_of_another_customer_is_taken_in_any_spelling
    moves company_is_moved_and_its_rightful_customer_connects_it
    moves company_of_a_customer_that_left_is_free
    operator: Confirm a company's first connection for the customer that it belongs to, or assign companies beforehand.
""",
    """
9.1.1 Tokens that carry their content are verified first
    sso forged_token_lets_nobody_in
    hostile_pages reset_link_is_good_once
    why: ID tokens of the identity provider; links of a reset are signed by Django.

9.1.2 Only algorithms of a list
    sso forged_token_lets_nobody_in

9.1.3 Keys come from a source that is configured
    sso document_of_another_issuer_is_not_taken
    sso forged_token_lets_nobody_in

9.2.1 Only within their time
    sso forged_token_lets_nobody_in
    hostile_pages reset_link_dies_after_an_hour

9.2.2 Only for their purpose
    sso token_that_says_nothing_lets_nobody_in
    hostile_tokens secret_of_another_kind_is_no_token

9.2.3 Only for this service
    sso forged_token_lets_nobody_in

9.2.4 Tokens that are issued name whom they are for
    n/a: The portal issues no such tokens: its access tokens are random, and hashed in the database.
""",
    """
10.1.1 Tokens go only where they are needed
    consent secret_never_reaches_the_browser
    token token_is_stored_as_a_hash_only
    hostile_peer each_customers_token_is_used_for_its_own_orders_alone

10.1.2 What the identity provider answers belongs to this browser's request
    sso answer_for_another_browser_is_refused
    sso request_carries_state_and_proof_and_nothing_of_the_address

10.2.1 The code flow is protected against other sites
    sso request_carries_state_and_proof_and_nothing_of_the_address
    sso answer_for_another_browser_is_refused

10.2.2 Authorization servers cannot be mixed up
    sso document_of_another_issuer_is_not_taken
    why: There is one.

10.3.1 Access tokens are for this service
    token token_of_the_wrong_kind_is_403_with_the_challenge
    why: The portal issues them itself, for itself: random, looked up by their hash. Scopes keep engines and
    why: SmartRecruiters apart.

10.3.2 Scopes decide
    token token_of_the_wrong_kind_is_403_with_the_challenge
    engine_orders route_is_for_engines_alone

10.3.3 Users are identified by what cannot be reassigned
    n/a: Access tokens stand for programs.

10.3.4 Strength of the sign-in behind a token
    n/a: Access tokens stand for programs.

10.4.1 Redirect URIs are compared exactly
    n/a: No grant of the portal redirects.
    token other_grants_are_unsupported_whoever_asks

10.4.2 Codes work once
    n/a: There is no authorization code.

10.4.3 Codes are short-lived
    n/a: There is no authorization code.

10.4.4 Only the grants that are needed
    token other_grants_are_unsupported_whoever_asks

10.4.5 Refresh tokens cannot be replayed
    n/a: There are no refresh tokens.
    token other_grants_are_unsupported_whoever_asks

10.4.6 PKCE for codes
    n/a: There is no authorization code.

10.4.7 Nobody registers a client unseen
    n/a: Clients are made by staff, or by an approved connection.
    hostile_tokens nothing_of_the_toolkit_but_the_token_is_served_to_anybody

10.4.8 Refresh tokens expire
    n/a: There are no refresh tokens.

10.4.9 Tokens can be revoked
    admin engine_is_renamed_and_revoked
    disable disable_ends_the_connection_and_its_tokens
    home disconnect_ends_the_connection_and_writes_down_who

10.4.10 Clients authenticate
    token wrong_pair_is_one_answer_byte_for_byte
    token connection_that_ended_gets_no_token

10.4.11 Clients get the scopes that they need
    token engine_gets_the_vendor_scope_and_no_other
    token scope_that_the_client_lacks_is_refused

10.5.1 ID tokens cannot be replayed
    sso request_carries_state_and_proof_and_nothing_of_the_address
    why: They come from the provider itself, for a code that PKCE binds to this browser's request. A `jti` is used once.

10.5.2 People are identified by `sub`
    sso id_there_counts_and_the_address_no_more
    sso who_inherits_an_address_inherits_no_account

10.5.3 Metadata must name the issuer of the settings
    sso document_of_another_issuer_is_not_taken

10.5.4 `aud` must be this client
    sso forged_token_lets_nobody_in

10.5.5 Back-channel logout
    n/a: There is none.

10.6.1 OpenID provider: response modes
    n/a: The portal is none.

10.6.2 OpenID provider: forced logout
    n/a: The portal is none.

10.7.1 People consent to each request
    consent page_names_who_asks_for_whom_what_and_how_to_end_it
    consent decision_that_is_none_asks_again

10.7.2 Consent says who gets what, and for how long
    consent page_names_who_asks_for_whom_what_and_how_to_end_it
    consent record_has_the_wording_that_was_shown_and_its_version

10.7.3 Consent can be seen and ended
    home home_shows_own_connections_only
    home disconnect_ends_the_connection_and_writes_down_who
""",
)
