"""V7 Session management."""

TABLES = (
    """
7.1.1 The times of a session are documented
    doc: deploy/README.md#people-and-sign-in deploy/README.md#limits

7.1.2 The number of sessions of a person is documented
    doc: deploy/README.md#limits

7.1.3 Sessions here and at the identity provider are documented together
    doc: deploy/README.md#ways-to-sign-in

7.2.1 Sessions are checked on the server
    sessions table_of_sessions_opens_none
    sessions planted_session_is_not_adopted

7.2.2 A session's token is made for it
    sign_in sign_in_gives_a_new_session

7.2.3 Tokens of sessions are random, with 128 bits or more
    sessions planted_session_is_not_adopted
    why: Django draws 32 of 36 characters: 165 bits.

7.2.4 Signing in, and proving again who one is, make a new token
    sessions session_is_new_after_the_password_and_after_the_second_factor
    sessions session_is_new_after_a_reauthentication
    hostile_pages session_before_sign_in_is_worth_nothing_afterwards

7.3.1 Sessions end without activity
    sessions session_ends_after_half_an_hour_without_a_click

7.3.2 Sessions end in any case
    sessions session_ends_after_twelve_hours_in_any_case

7.4.1 A session that ended is of no use
    sessions signing_out_ends_the_session_for_whoever_has_the_cookie
    sessions session_that_is_over_is_not_listed

7.4.2 The sessions of a person who is switched off or deleted end for good
    sessions person_switched_off_and_on_must_sign_in_again
    sessions people_of_a_customer_switched_off_and_on_must_sign_in_again
    sessions deleted_person_leaves_no_session

7.4.3 After a change of a factor, other sessions can be ended
    sessions new_password_deletes_the_other_sessions
    sessions sign_out_everywhere

7.4.4 Signing out is offered on every page
    site every_page_has_a_menu_and_leads_to_the_own_account

7.4.5 Administrators can end the sessions of a person
    sessions staff_sign_a_person_out_everywhere
    operator: A new `SECRET_KEY` ends the sessions of all people.

7.5.1 Changes of what one signs in with ask again who acts
    reauthentication open_session_alone_does_nothing_grave
    mfa change_of_a_second_factor_wants_the_password_again
    sign_in own_address_is_not_changed_here

7.5.2 People see their sessions, and can end them after proving who they are
    sessions sessions_are_listed_with_device_ip_and_times
    sessions one_session_is_ended
    sessions ending_a_session_asks_again_who_acts

7.6.1 Sessions here and at the identity provider behave as documented
    sso provider_must_have_asked_just_now
    sso sign_in_by_the_provider_alone_is_no_proof

7.6.2 No session begins without an act of the person
    sso another_site_does_not_sign_in
    sso answer_for_another_browser_is_refused
""",
)
