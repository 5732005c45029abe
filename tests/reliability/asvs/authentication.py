"""V6 Authentication."""

TABLES = (
    """
6.1.1 Defences against guessing, and against locking people out by it, are documented
    doc: deploy/README.md#limits

6.1.2 Words of context that passwords must not consist of are documented
    doc: deploy/README.md#people-and-sign-in

6.1.3 All ways to sign in are documented with their strength
    doc: deploy/README.md#ways-to-sign-in

6.2.1 Passwords have eight characters or more
    admin user_that_is_wrong_is_refused
    sign_in password_is_changed_where_the_page_says_so
    why: Twelve or more.

6.2.2 People can change their password
    sign_in password_is_changed_where_the_page_says_so

6.2.3 A change asks for the present password
    sign_in password_is_changed_where_the_page_says_so
    passwords form_says_what_to_do

6.2.4 Common passwords that match the policy are refused
    passwords common_password_is_refused

6.2.5 Any characters will do
    passwords good_password_is_taken

6.2.6 The entry is masked
    sign_in page_has_the_fields_that_programs_know

6.2.7 Pasting and password managers work
    sign_in page_has_the_fields_that_programs_know
    why: No script touches the fields, and they have the autocomplete words of the standard.

6.2.8 Passwords are compared as they are
    passwords good_password_is_taken
    why: Django neither trims nor cuts them.

6.2.9 Sixty-four characters and more are possible
    passwords good_password_is_taken

6.2.10 Passwords do not expire
    why: There is no such rule.

6.2.11 Words of context are refused
    passwords password_of_words_of_context_is_refused
    passwords brand_is_a_word_of_context
    passwords invited_person_may_not_use_the_organisation_either

6.2.12 Breached passwords are refused
    passwords common_password_is_refused
    why: zxcvbn's list of 30,000 is drawn from breaches. A service that knows more of them would be asked about every
    why: new password; a vendor that wants this has it at its own identity provider.

6.3.1 Guessing is stopped as documented
    login_throttle guesser_with_many_addresses_is_slowed_down
    login_throttle known_browser_of_the_owner_is_never_locked_out
    login_throttle spray_raises_the_alarm_once_an_hour
    mfa guesser_of_codes_is_stopped

6.3.2 No default accounts
    seed_demo seed_demo_refuses_a_portal_that_others_reach
    overview dashboard_checklist_names_the_demo_accounts_of_a_portal_that_others_reach
    why: An installation begins without people.

6.3.3 A second factor, or a combination of factors
    sign_in staff_must_set_up_a_second_factor_where_it_is_required
    second_factor person_without_one_is_led_to_set_it_up
    second_factor_routes no_route_shows_the_customer
    why: Of a customer's people it is asked where the customer wants that: a customer with two people who look after
    why: three orders a month would go elsewhere. Their passwords are hard to guess, guesses are slowed down by account,
    why: and they see their own organisation alone.
    operator: Require it of every customer's people, on the customer's page.

6.3.4 No way to sign in is undocumented or weaker
    sso second_factor_is_wanted_unless_the_provider_asks_for_it
    mfa second_factor_of_staff_may_be_a_passkey
    routes every_route_has_a_row_and_every_row_a_route

6.4.1 Initial passwords and codes are random, expire, and do not stay
    invitations link_expires_and_is_sent_again
    invitations link_works_once
    password_links person_who_is_added_chooses_the_password
    password_links link_ends_after_its_time
    password_links no_page_lets_an_administrator_choose_a_password

6.4.2 No hints and secret questions
    why: There are none.

6.4.3 A reset of the password does not go around the second factor
    hostile_pages reset_link_is_good_once
    hostile_pages reset_link_dies_after_an_hour
    sign_in second_factor_is_asked_for

6.4.4 A lost factor is replaced by somebody whose identity was checked
    lost_factor lost_factor_is_taken_away
    lost_factor person_is_told_and_signed_out
    operator: Make sure who asks, as you did when you invited the person, before an administrator takes a factor away.

6.5.1 Codes work once
    mfa code_signs_in_once
    mfa recovery_code_signs_in_once
    mfa code_that_set_the_app_up_signs_nobody_in

6.5.2 Recovery codes are hashed, or have 112 bits
    mfa database_shows_no_secret
    why: They are derived from one random seed, which is encrypted with a key outside of the database instead: ten codes
    why: of eight digits could be found again from any hash.

6.5.3 Codes and seeds come from a secure random generator
    why: django-allauth draws them with Python's `secrets`.

6.5.4 Codes have 20 bits or more
    mfa recovery_code_signs_in_once
    why: Eight digits have 26 bits.

6.5.5 Codes of an app are good for 30 seconds
    mfa code_signs_in_once
    hostile_pages reset_link_dies_after_an_hour
    why: django-allauth tolerates no other period (MFA_TOTP_TOLERANCE is 0). Links of a reset are no factor: they are
    why: good for an hour, since mail may be slow.

6.6.1 Codes by telephone
    n/a: There are none.

6.6.2 Codes out of band belong to one sign-in
    n/a: There are none. Links of mails begin a new password or an account, and no session.

6.6.3 Codes out of band cannot be guessed
    n/a: There are none.

6.8.1 People of one identity provider cannot pass for those of another
    sso provider_in_the_database_counts_for_nothing
    sso id_there_counts_and_the_address_no_more
    why: There is one provider, and an account is linked to its id of the person.

6.8.2 Signatures of assertions are verified
    sso forged_token_lets_nobody_in
    sso token_with_a_good_signature_signs_in

6.8.3 SAML
    n/a: There is no SAML.

6.8.4 Strength and age of a sign-in at the provider are checked
    sso second_factor_is_wanted_unless_the_provider_asks_for_it
    sso provider_must_have_asked_just_now
    sso sign_in_by_the_provider_alone_is_no_proof
    operator: `OIDC_SECOND_FACTOR=1` states that the provider asks staff for a second factor; without it, the portal
    operator: does.
""",
)
