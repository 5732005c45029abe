"""Proofs for consent (C), README.md section 2.2."""

from tests.reliability.rows import parse_rows

UNTRUSTED = """
    hostile_urls untrusted_redirect_of_a_consent_is_a_page_that_leads_nowhere
    trusted_origins address_elsewhere_or_oddly_spelt_is_not_trusted
"""
ROWS = parse_rows(f"""
C1 redirect to another site{UNTRUSTED}
C2 javascript:, data:, vbscript:, also in odd spellings{UNTRUSTED}
C3 //evil.example, ///…, /%09/…{UNTRUSTED}
C5 User info before the host{UNTRUSTED}
C6 Host that begins or ends like SmartRecruiters', %2e in the host{UNTRUSTED}
C7 Look-alike letters, full-width characters, IDN{UNTRUSTED}
C8 Trailing dot, port, IP addresses in any notation{UNTRUSTED}
C9 Downgrade to http{UNTRUSTED}
C11 Trusted host only in fragment or query{UNTRUSTED}
C12 Line breaks in redirect{UNTRUSTED}
C13 Relative or empty redirect{UNTRUSTED}
C15 redirect changed in a later step
    consent approve_takes_the_redirect_from_the_record
    consent progress_checks_the_stored_redirect_again

C16 Open redirector at a trusted origin
    hostile_urls redirector_at_a_trusted_origin_is_gone_to_as_it_is
    why: The interface requires an automatic redirect; a further redirect by SmartRecruiters is outside the portal.

C17 companyId as a path (../../partner/configuration, encoded, with ?, #, ;)
    hostile_urls odd_company_is_refused_and_not_repeated
    consent entry_with_an_odd_company_id_is_refused
    trusted_origins path_of_whatever_id_stays_one_segment

C18 Empty, long, repeated or binary companyId
    hostile_urls odd_company_is_refused_and_not_repeated
    consent entry_without_one_company_is_refused

C19 Markup in companyId or redirect
    hostile_urls odd_company_is_refused_and_not_repeated
    hostile_urls untrusted_redirect_of_a_consent_is_a_page_that_leads_nowhere

C20 Approving another customer's company
    consent company_of_another_customer_is_not_taken
    exchange company_of_one_customer_is_never_moved_to_another

C21 Approving a company that never consented (squatting)
    exchange exchange_without_consent_in_smartrecruiters_keeps_nothing
    exchange company_that_never_consented_is_free_for_its_true_owner
    ownership company_that_was_approved_and_disconnected_before_it_went_live_is_free

C22 CSRF on the decision
    consent decision_without_a_csrf_token_is_refused
    hostile_pages form_that_another_site_posts_is_refused
    routes every_form_wants_its_token

C23 Approving by GET
    consent approve_by_get_does_nothing
    routes every_role_gets_what_the_table_says

C24 Double click on a decision
    consent double_click_goes_where_one_click_goes
    consent second_click_that_overtakes_the_first_one_goes_the_same_way
    consent answer_of_another_person_in_the_same_browser_is_not_repeated

C25 Decision after ten minutes, another one than before, or from another session
    consent expired_request_is_gone
    consent second_decision_changes_nothing
    consent request_of_another_session_is_not_shown
    exchange consent_is_good_for_one_decision_and_ten_minutes

C26 Decision without a visit or before sign-in
    consent decision_before_sign_in_leads_there
    consent unknown_request_is_a_clear_page

C27 Decision by a user without the right, an inactive account, or staff
    consent account_that_may_not_connect_gets_a_page
    consent user_without_a_customer_may_not_connect
    exchange person_without_the_right_cannot_approve
    memberships consent_is_not_given_for_an_organisation_without_the_right
    routes every_role_gets_what_the_table_says

C28 Session fixation
    hostile_pages session_before_sign_in_is_worth_nothing_afterwards
    sessions planted_session_is_not_adopted

C29 Clickjacking of other pages
    routes every_page_carries_the_headers_of_a_careful_one
    routes every_role_gets_what_the_table_says
    hostile_pages fault_of_ours_tells_nothing_of_the_house

C30 Framing in POPUP mode
    consent popup_pages_are_framed_by_smartrecruiters_alone
    consent popup_is_framed_where_the_configuration_says_popup
    consent_in_a_browser popup_works_in_a_frame_of_another_site

C31 Cookies in a frame
    consent popup_gets_its_cookies_twice
    consent cookie_of_the_frame_counts_in_a_frame_only
    consent cookie_of_the_frame_opens_no_other_page
    consent page_of_another_session_names_the_cause
    consent sandboxed_frame_is_told_the_way_out
    consent_in_a_browser sandboxed_frame_leads_to_a_window_of_its_own
    consent_in_a_browser frame_without_cookies_names_the_cause_and_stays_true

C32 Opener of a pop-up window
    consent popup_pages_are_framed_by_smartrecruiters_alone
    consent_in_a_browser popup_works_in_a_window_that_keeps_its_opener

C33 form-action blocks the redirect after *Approve*
    consent redirect_pages_are_not_framed_and_may_post_on
    consent_in_a_browser redirect_lands_in_smartrecruiters

C34 Referrer leak
    routes every_page_carries_the_headers_of_a_careful_one
    sign_in pages_load_nothing_from_elsewhere
    why: same-origin instead of no-referrer, under which Chromium posts the portal's own forms with a null origin;
    why: neither reveals anything to other sites.

C35 Deny, or window closed
    consent deny_goes_back_and_creates_nothing
    consent deny_in_a_popup_says_so

C36 Content of the page
    consent page_names_who_asks_for_whom_what_and_how_to_end_it

C37 600 px × 45 % of the screen
    consent_in_a_browser popup_works_in_a_frame_of_another_site
    consent_in_a_browser consent_by_keyboard_alone

C38 Secret in the browser
    consent secret_never_reaches_the_browser

C40 Visits of strangers, which are rows and sessions
    consent visits_of_a_stranger_s_network_are_limited_and_a_refused_one_writes_nothing
    consent visits_of_a_person_are_limited_wherever_they_come_from
    consent visits_that_nobody_answered_are_forgotten_after_an_hour

C39 Polling Approve for the company of another customer
    capture polled_approval_waits_and_the_owner_connects_by_one_click_of_staff
    decisions of_two_requests_one_is_confirmed_and_the_other_denied
    decisions tries_of_a_customer_for_a_company_are_limited
    decisions every_clash_counts_and_is_audited_once_a_minute
    ownership company_of_another_customer_is_taken_in_any_spelling
    companies request_is_confirmed_by_one_click_on_the_overview
""")
