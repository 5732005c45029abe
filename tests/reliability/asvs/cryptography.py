"""V11 Cryptography, V12 Secure communication."""

TABLES = (
    """
11.1.1 A policy for keys
    doc: SECURITY.md#keys-and-algorithms deploy/README.md#encryption-keys

11.1.2 An inventory of keys, algorithms and certificates
    doc: SECURITY.md#keys-and-algorithms

11.2.1 Cryptography of established libraries
    why: `cryptography` (OpenSSL), Python's `hashlib`, `hmac`, `secrets` and `ssl`, Django's password hashers.

11.2.2 Algorithms and keys can be replaced
    key_rotation rotation_leaves_nothing_that_needs_the_former_key
    encryption value_of_a_former_version_is_read_and_replaced
    why: Keys under traffic. Algorithms are in `integrations/encryption.py` and PASSWORD_HASHERS alone, and stored
    why: values say theirs.

11.2.3 128 bits of security or more
    why: AES-256, HMAC-SHA-256, random tokens of 256 bits, TLS 1.2 and 1.3.

11.3.1 No ECB, no PKCS#1 v1.5
    encryption value_says_its_algorithm_and_nothing_of_the_text
    why: GCM. Signatures of ID tokens are only verified.

11.3.2 Approved ciphers and modes
    encryption value_says_its_algorithm_and_nothing_of_the_text
    encryption value_of_a_former_version_is_read_and_replaced
    why: AES-256-GCM.

11.3.3 Encrypted data cannot be changed unseen
    encryption changed_value_is_refused
    encryption text_comes_back_for_its_owner_alone
    key_rotation row_whose_key_is_missing_is_named_and_unchanged

11.4.1 Approved hash functions
    why: SHA-256 everywhere. MD5 and SHA-1 are not used, but by the apps that generate codes (RFC 6238).

11.4.2 Passwords are hashed by a slow function
    why: PBKDF2-SHA-256 with Django's 1,000,000 iterations. Secrets of programs are random and need none (6.5.2).

11.4.3 Hashes for integrity have 256 bits
    chain changed_entry_is_named
    chain chain_made_anew_without_the_key_is_seen
    attachments damaged_report_is_never_served

11.4.4 Keys from passwords are stretched
    n/a: No key is made of a password.

11.5.1 What must not be guessed is random, with 128 bits or more
    create_engine_client create_engine_client_keeps_a_hash_and_an_audit_entry
    attachments file_is_hosted_under_a_random_link
    why: Links and secrets have 128 bits or more, from `secrets`. Ids of orders are no permission.

11.6.1 Approved algorithms for keys and signatures
    sso forged_token_lets_nobody_in
    client tls_of_a_known_signer_for_this_name_in_a_version_of_today
    why: The portal makes no key pairs.
""",
    """
12.1.1 TLS 1.2 and 1.3 only
    client tls_of_a_known_signer_for_this_name_in_a_version_of_today
    operator: TLS of what comes in ends at your proxy: allow 1.2 and 1.3 there.

12.1.2 Recommended cipher suites only
    operator: Configure your proxy as Mozilla's intermediate profile says. What goes out has OpenSSL's defaults.

12.1.3 Client certificates are verified before they count
    n/a: Nobody signs in by a certificate.

12.2.1 TLS for everything that people and programs reach
    hostile_tokens post_is_refused_and_not_redirected
    preflight unsafe_settings_are_refused_in_one_line
    operator: End TLS at your proxy, and set a `PUBLIC_URL` with https: others are refused outside of loopback.

12.2.2 A certificate that is publicly trusted
    operator: Give your proxy one. SmartRecruiters calls it.

12.3.1 Encryption of all connections between parts
    client webhook_without_tls_is_not_sent
    broker_tls broker_with_a_certificate_that_is_not_good_gets_no_password
    operator: Over a network, encrypt PostgreSQL and Redis by their URLs. Without them, both are files and a socket of
    operator: one machine.

12.3.2 Certificates are verified
    tls certificate_that_is_not_good_gets_nothing_and_is_told_apart
    tls mail_server_is_verified
    tls openid_connect_verifies
    broker_tls broker_with_a_certificate_that_is_not_good_gets_no_password
    operator: `sslmode=verify-full` in `DATABASE_URL`: libpq alone verifies nothing.

12.3.3 Internal HTTP is encrypted
    operator: The proxy speaks HTTP to the portal: on the same machine (`BIND` is 127.0.0.1), or over a network that
    operator: encrypts, such as WireGuard.

12.3.4 Certificates of internal services are those of known signers
    tls signer_of_the_ca_file_is_trusted
    tls trust_ends_with_the_setting
    broker_tls url_may_name_another_ca_file
""",
)
