"""Section 2.2: the consent (C)."""

from tests.reliability.rows import parse_rows

UNTRUSTED = """
    hostile untrusted_redirect_of_a_consent_is_a_page_that_leads_nowhere
    addresses address_elsewhere_or_oddly_spelt_is_not_trusted
"""
ROWS = parse_rows(f"""
C1 a redirect to another site{UNTRUSTED}
C2 a redirect that is a script{UNTRUSTED}
C3 a redirect without a scheme{UNTRUSTED}
C5 a redirect with user info{UNTRUSTED}
C6 a host that begins or ends like SmartRecruiters'{UNTRUSTED}
C7 a host in letters that look alike{UNTRUSTED}
C8 ports, dots and addresses for a host{UNTRUSTED}
C9 a redirect to plain http{UNTRUSTED}
C11 the right host in fragment or query{UNTRUSTED}
C12 line breaks in a redirect{UNTRUSTED}
C13 a redirect that is a path{UNTRUSTED}
C15 a redirect changed later on
    consent approve_takes_the_redirect_from_the_record
    consent progress_checks_the_stored_redirect_again

C16 a redirector at a trusted origin
    hostile redirector_at_a_trusted_origin_is_gone_to_as_it_is
    why: The interface fixes that the last page goes to the redirect by itself; where SmartRecruiters leads from there
    why: is not ours to judge.

C17 a company id that is a path
    hostile odd_company_is_refused_and_not_repeated
    consent entry_with_an_odd_company_id_is_refused
    addresses path_of_whatever_id_stays_one_segment

C18 odd company ids
    hostile odd_company_is_refused_and_not_repeated
    consent entry_without_one_company_is_refused

C19 markup in company id or redirect
    hostile odd_company_is_refused_and_not_repeated
    hostile untrusted_redirect_of_a_consent_is_a_page_that_leads_nowhere

C20 another customer's company
    consent company_of_another_customer_is_not_taken
    connecting company_of_one_customer_is_never_moved_to_another

C21 a company that never consented
    connecting exchange_without_consent_in_smartrecruiters_keeps_nothing
    connecting company_that_never_consented_is_free_for_its_true_owner

C22 an approval that another site posts
    consent decision_without_a_csrf_token_is_refused
    hostile_pages form_that_another_site_posts_is_refused
    routes every_form_wants_its_token

C23 an approval by GET
    consent approve_by_get_does_nothing
    routes every_role_gets_what_the_table_says

C25 an approval too late, twice, or from elsewhere
    consent expired_request_is_gone
    consent second_decision_changes_nothing
    consent request_of_another_session_is_not_shown
    connecting consent_is_good_for_one_decision_and_ten_minutes

C26 an approval without the steps before
    consent decision_before_sign_in_leads_there
    consent unknown_request_is_a_clear_page

C27 an approval by somebody who may not
    consent account_that_may_not_connect_gets_a_page
    consent user_without_a_customer_may_not_connect
    connecting person_without_the_right_cannot_approve
    memberships consent_is_not_given_for_an_organisation_without_the_right
    routes every_role_gets_what_the_table_says

C28 a session planted before sign-in
    hostile_pages session_before_sign_in_is_worth_nothing_afterwards
    sessions planted_session_is_not_adopted

C29 framing anywhere else
    routes every_page_carries_the_headers_of_a_careful_one
    routes every_role_gets_what_the_table_says
    hostile_pages fault_of_ours_tells_nothing_of_the_house

C30 framing in the pop-up
    consent popup_pages_are_framed_by_smartrecruiters_alone
    frames popup_works_in_a_frame_of_another_site

C31 the cookies of a frame
    consent popup_gets_its_cookies_twice
    consent cookie_of_the_frame_counts_in_a_frame_only
    consent cookie_of_the_frame_opens_no_other_page

C32 the opener of the pop-up
    consent popup_pages_are_framed_by_smartrecruiters_alone
    frames popup_works_in_a_window_that_keeps_its_opener

C33 form-action and the redirect after an approval
    consent redirect_pages_are_not_framed_and_may_post_on
    frames redirect_lands_in_smartrecruiters

C34 the referrer
    routes every_page_carries_the_headers_of_a_careful_one
    sign_in pages_load_nothing_from_elsewhere
    why: same-origin in place of no-referrer, under which Chromium posts our own forms with a null origin; other sites
    why: learn nothing by either.

C35 a denial
    consent deny_goes_back_and_creates_nothing
    consent deny_in_a_popup_says_so

C36 what the page says
    consent page_names_who_asks_for_whom_what_and_how_to_end_it

C37 the pop-up's size
    frames popup_works_in_a_frame_of_another_site
    frames consent_by_keyboard_alone

C38 a secret in the browser
    consent secret_never_reaches_the_browser
""")
