"""TLS of outgoing connections: the trusted signers, and the faults of a server's certificate.

Trusted are the system's store, certifi's, and the private CA of CA_FILE. The environment's SSL_CERT_FILE is ignored:
what is trusted must not depend on the shell that starts a process.
"""

import ssl
from functools import lru_cache
from pathlib import Path

import certifi
from django.conf import settings

# X509_V_ERR_… of OpenSSL
NOT_YET_VALID, EXPIRED, OTHER_HOST_NAMES = 9, 10, (62, 64)
UNKNOWN_SIGNERS = (2, 18, 19, 20, 21, 27, 33)
PLAIN_TEXT_REASONS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")


def get_ssl_context() -> ssl.SSLContext:
    """Return the context of all outgoing connections. It is shared, since reading the store takes 20 ms."""
    return build_ssl_context(str(settings.CA_FILE or ""))


@lru_cache(maxsize=4)
def build_ssl_context(ca_file: str) -> ssl.SSLContext:
    """Build a context that verifies certificates and host names. Raises OSError for an invalid CA file."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    system = ssl.get_default_verify_paths()
    if Path(system.openssl_cafile).is_file():
        context.load_verify_locations(cafile=system.openssl_cafile)
    if Path(system.openssl_capath).is_dir():
        context.load_verify_locations(capath=system.openssl_capath)
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def find_tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS error that a library has wrapped, if there is one."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        each = pending.pop(0)
        if isinstance(each, ssl.SSLError):
            return each
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            pending += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
    return None


def describe_tls_error(error: ssl.SSLError) -> str:
    """Describe the fault: the signer, the host name, the date, or the protocol."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason in PLAIN_TEXT_REASONS:
            return "the server does not speak TLS on this port"
        return f"the TLS handshake failed ({(error.reason or 'no reason given').lower().replace('_', ' ')})"
    code = error.verify_code
    if code == EXPIRED:
        return "the certificate has expired"
    if code == NOT_YET_VALID:
        return "the certificate is not valid yet"
    if code in OTHER_HOST_NAMES:
        return "the certificate is for another host name"
    if code in UNKNOWN_SIGNERS:
        return "the certificate's signer is not known: for a private CA, set CA_FILE"
    return f"the certificate is not valid ({error.verify_message})"
