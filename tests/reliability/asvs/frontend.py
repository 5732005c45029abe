"""V3 Web frontend security, V4 API and web service, V5 File handling."""

TABLES = (
    """
3.2.1 A browser does not take one thing for another
    attachments report_is_served_as_a_download_and_counted
    hostile_pages program_that_asks_for_html_gets_json
    static_files headers_of_a_static_file

3.2.2 Scripts show text as text
    hostile_pages any_text_is_shown_as_it_is
    why: The few scripts of `static/` put nothing into a page but what the server rendered, and use no innerHTML.

3.3.1 Cookies are Secure and have a prefix
    preflight https_names_and_closes_the_cookies
    sessions every_cookie_is_closed_to_scripts_and_other_sites

3.3.2 SameSite fits the cookie's purpose
    sessions every_cookie_is_closed_to_scripts_and_other_sites
    consent popup_gets_its_cookies_twice
    consent cookie_of_the_frame_counts_in_a_frame_only

3.3.3 Cookies have the prefix `__Host-`
    preflight https_names_and_closes_the_cookies
    hostile_pages settings_of_a_portal_at_https

3.3.4 Scripts cannot read cookies
    sessions every_cookie_is_closed_to_scripts_and_other_sites

3.4.1 HSTS for a year, with subdomains
    hostile_pages settings_of_a_portal_at_https

3.4.2 No answer is open to other origins
    routes every_role_gets_what_the_table_says
    static_files headers_of_a_static_file

3.4.3 A Content-Security-Policy on every answer
    routes every_page_carries_the_headers_of_a_careful_one
    site admin_pages_carry_no_inline_style_or_script
    static_files every_kind_of_file_has_them

3.4.4 nosniff on every answer
    routes every_role_gets_what_the_table_says
    routes every_page_carries_the_headers_of_a_careful_one

3.4.5 A referrer policy
    routes every_page_carries_the_headers_of_a_careful_one
    hostile_pages settings_of_a_portal_at_https

3.4.6 Nothing can be framed but where it must be
    routes every_role_gets_what_the_table_says
    consent popup_pages_are_framed_by_smartrecruiters_alone
    consent sign_in_is_framed_on_its_way_to_a_popup_only

3.5.1 Forms of other sites are refused
    routes every_form_wants_its_token
    hostile_pages form_that_another_site_posts_is_refused

3.5.2 Preflights cannot be avoided, where they are relied on
    n/a: They are not relied on: the APIs take a bearer token and no cookie.
    token signed_in_browser_without_a_token_is_401

3.5.3 A GET changes nothing
    routes every_role_gets_what_the_table_says
    candidate mailed_link_alone_changes_nothing
    consent approve_by_get_does_nothing
    invitations link_alone_changes_nothing

3.5.4 Applications have host names of their own
    operator: Give the portal a host name of its own. Cookies have no domain, so they stay with it.

3.5.5 Messages of other windows are checked
    n/a: No page listens to messages. The page that closes a pop-up sends one word.

3.7.1 No outdated technology in the browser
    sign_in pages_load_nothing_from_elsewhere
    why: HTML, CSS and plain scripts.

3.7.2 Redirects lead only to hosts of a list
    hostile_urls untrusted_redirect_of_a_consent_is_a_page_that_leads_nowhere
    hostile_urls sign_in_leads_to_no_other_site
    candidate inline_candidate_is_shown_a_host_that_we_do_not_know
""",
    """
4.1.1 Each answer says its content type, and texts their charset
    routes every_role_gets_what_the_table_says
    hosts form_over_plain_http_is_refused_in_plain_text

4.1.2 Pages redirect to https, calls of programs are refused
    hostile_tokens post_is_refused_and_not_redirected
    hostile_tokens read_of_a_program_is_refused_and_not_redirected
    hostile_tokens page_leads_to_https

4.1.3 Headers that a proxy sets cannot be set by others
    sign_in forwarded_address_counts_from_a_trusted_proxy_only
    worker server_takes_nothing_about_a_request_from_its_headers
    hostile_pages forwarded_host_is_ignored_in_a_reset_mail

4.2.1 The end of a message is found as HTTP says
    worker request_of_two_readings_is_refused_and_what_follows_is_no_request
    request_body request_whose_body_breaks_off_is_400_without_effect

4.3.1 GraphQL: cost of queries
    n/a: There is no GraphQL.

4.3.2 GraphQL: introspection
    n/a: There is no GraphQL.

4.4.1 WebSocket over TLS
    n/a: There is no WebSocket.

4.4.2 WebSocket: origin
    n/a: There is no WebSocket.

4.4.3 WebSocket: tokens
    n/a: There is no WebSocket.

4.4.4 WebSocket: from a session
    n/a: There is no WebSocket.
""",
    """
5.1.1 Permitted files, sizes, and what happens to malicious ones are documented
    doc: orders/api/README.md#attachments deploy/README.md#malware-scanning

5.2.1 Files have a size that can be handled
    attachments file_that_is_too_large_is_413
    worker what_waits_for_clients_has_a_bound
    admin/transfer file_that_is_too_large_is_refused

5.2.2 Files are what they say, by their content
    attachments kind_is_found_by_content
    attachments what_is_no_whole_report_is_refused
    transfer file_that_is_not_utf8_is_refused

5.2.3 Archives are measured before they are unpacked
    n/a: Nothing is unpacked, and archives are refused.
    attachments what_is_no_whole_report_is_refused

5.3.1 Uploaded files are never run
    hostile_pages nothing_of_the_house_is_served
    attachments file_is_hosted_under_a_random_link
    why: They lie outside of what is served, and are sent as downloads.

5.3.2 Names of users are no paths
    attachments file_is_hosted_under_a_random_link
    attachments odd_name_of_a_file_is_made_plain_or_refused

5.4.1 The name of a download is chosen here
    attachments name_to_download_by_is_a_plain_one
    attachments report_is_served_as_a_download_and_counted

5.4.2 Names in headers are encoded
    attachments name_to_download_by_is_a_plain_one

5.4.3 Files are scanned for malware
    malware malware_is_refused_and_recorded
    malware upload_without_a_scanner_is_503_and_works_once_it_is_back
    operator: Set `CLAMAV_URL`. Reports that engines host themselves are theirs to scan.
""",
)
