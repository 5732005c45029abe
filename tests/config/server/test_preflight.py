"""Invalid settings: no process starts, and one line says how to correct it (tests/reliability/README.md, A18)."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import ConnectionHandler

from integrations import checks
from tests.config.conftest import REPOSITORY, free_port

POSTGRES = "postgres://portal:hidden@127.0.0.1:1/portal"
KEYS = {
    "SECRET_KEY": "for-tests-only-" + "0123456789abcdef" * 3,
    "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
PRODUCTION = {"PUBLIC_URL": "https://portal.vendor.example"}
NO_POSTGRESQL = (
    "DATABASE_URL is not the URL of a PostgreSQL database: write it like postgres://user:password@host/name, "
    "or remove it to use the embedded one (SQLite in WAL mode, in PORTAL_DATA_DIR)"
)
NO_ORIGIN = "is not an origin; write it like https://*.smartrecruiters.com, without a path"
WEAK = "SECRET_KEY is too weak: give at least 32 random characters"
ANY_HOST = "ALLOWED_HOSTS=* would trust any Host header: list the host names of this portal"
FOR_TESTS = "OUTBOX_TIME_SCALE and OUTBOX_FAILPOINTS are for tests: PUBLIC_URL must be loopback"
NO_MAIL = "EMAIL_URL is not the URL of a mail server: write it like smtp+tls://user:password@mail.vendor.example:587"
NO_REDIS = (
    "REDIS_URL is not the URL of a Redis server: write it like redis://host:6379/0, with special characters of the "
    "password percent-encoded, or remove it"
)
NO_CA_FILE = "is not a PEM file with CA certificates; write its path, like /etc/portal/ca.pem"
NO_SCANNER = (
    "is not the address of a ClamAV daemon: write it like unix:///run/clamav/clamd.ctl or "
    "tcp://scanner.vendor.example:3310"
)
NO_SERVER = (
    'The database cannot be used (connection failed: connection to server at "127.0.0.1", port 1 failed: '
    "Connection refused): check that its server is running, and DATABASE_URL"
)
HALF_A_PAIR = "SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET belong together: set both or neither"
NO_HOST = "is not a host name: write it like portal.vendor.example, without port"
REFUSALS: list[tuple[dict[str, str], str]] = [
    ({"DEBUG": "1"}, "DEBUG=1 would show settings and data to anyone: remove DEBUG"),
    ({"DEBUG": "True"}, "DEBUG=True would show settings and data to anyone: remove DEBUG"),
    ({"SECRET_KEY": "django-insecure-" + "0123456789abcdef" * 3}, WEAK),
    ({"SECRET_KEY": "a" * 64}, WEAK),
    ({"SECRET_KEY": "short"}, WEAK),
    ({"ALLOWED_HOSTS": "*"}, ANY_HOST),
    ({"ALLOWED_HOSTS": "portal.vendor.example,*"}, ANY_HOST),
    (
        {"ALLOWED_HOSTS": "portal.vendor.example, https://other.example"},
        f"ALLOWED_HOSTS='https://other.example' {NO_HOST}",
    ),
    ({"ALLOWED_HOSTS": "portal.vendor.example:443"}, f"ALLOWED_HOSTS='portal.vendor.example:443' {NO_HOST}"),
    (
        {"PUBLIC_URL": "http://portal.vendor.example"},
        "PUBLIC_URL='http://portal.vendor.example' must be https; http is for loopback names only",
    ),
    (
        {"PUBLIC_URL": "https://portal.vendor.example/path"},
        "PUBLIC_URL='https://portal.vendor.example/path' is not an origin; write it like https://portal.vendor.example",
    ),
    (
        {"SMARTRECRUITERS_API_URL": "http://api.smartrecruiters.example"},
        "SMARTRECRUITERS_API_URL='http://api.smartrecruiters.example' must be https; http is for loopback names only",
    ),
    (
        {"DATABASE_URL": POSTGRES, "ENCRYPTION_KEYS": KEYS["ENCRYPTION_KEYS"]},
        "SECRET_KEY is missing: with DATABASE_URL set, give at least 32 random characters",
    ),
    (
        {"DATABASE_URL": POSTGRES, "SECRET_KEY": KEYS["SECRET_KEY"]},
        "ENCRYPTION_KEYS is missing: with DATABASE_URL set, give one or more Fernet keys, newest first",
    ),
    (
        {"ENCRYPTION_KEYS": "hidden"},
        "ENCRYPTION_KEYS contains an invalid Fernet key: give 32 random bytes in URL-safe base64",
    ),
    ({"DATABASE_URL": "sqlite:////tmp/hidden.sqlite3", **KEYS}, NO_POSTGRESQL),
    ({"DATABASE_URL": "mysql://portal:hidden@db.vendor.example/portal", **KEYS}, NO_POSTGRESQL),
    ({"DATABASE_URL": "hidden", **KEYS}, NO_POSTGRESQL),
    ({"REDIS_URL": "hidden"}, NO_REDIS),
    ({"REDIS_URL": "redis://:hidden@broker.vendor.example:port/0"}, NO_REDIS),
    ({"REDIS_URL": "redis://:hidden@broker.vendor.example:6379/hidden"}, NO_REDIS),
    ({"REDIS_URL": "redis://:hid@den[w#rd@broker.vendor.example:6379/0"}, NO_REDIS),
    ({"REDIS_URL": "rediss://:hidden]@broker.vendor.example:6379/0"}, NO_REDIS),
    ({"REDIS_URL": "redis://:hidden#rd@broker.vendor.example:6379/0"}, NO_REDIS),
    ({"REDIS_URL": "redis://[hidden]:6379/0"}, NO_REDIS),
    (
        {"REDIS_URL": "rediss://:hidden@broker.vendor.example/0?ssl_cert_req=none"},
        "REDIS_URL has ssl_cert_req, which is unknown: the options of TLS are ssl_cert_reqs, ssl_check_hostname, "
        "ssl_ca_certs, ssl_certfile, ssl_keyfile",
    ),
    (
        {"REDIS_URL": "rediss://:hidden@broker.vendor.example/0?ssl_cert_reqs=never"},
        "REDIS_URL has ssl_cert_reqs=never: write required or optional or none",
    ),
    (
        {"REDIS_URL": "rediss://:hidden@broker.vendor.example/0?ssl_ca_certs=/nowhere/ca.pem"},
        "REDIS_URL has ssl_ca_certs=/nowhere/ca.pem: that is no file",
    ),
    ({"CLAMAV_URL": "clamd"}, f"CLAMAV_URL='clamd' {NO_SCANNER}"),
    ({"CLAMAV_URL": "unix://run/clamd.ctl"}, f"CLAMAV_URL='unix://run/clamd.ctl' {NO_SCANNER}"),
    ({"CLAMAV_URL": "tcp://scanner.example:port"}, f"CLAMAV_URL='tcp://scanner.example:port' {NO_SCANNER}"),
    ({"CLAMAV_URL": "http://scanner.example:3310"}, f"CLAMAV_URL='http://scanner.example:3310' {NO_SCANNER}"),
    ({"CLAMAV_URL": "unix:///" + "a" * 120}, f"CLAMAV_URL='unix:///{'a' * 120}' {NO_SCANNER}"),
    ({"CA_FILE": "/nowhere/ca.pem"}, f"CA_FILE='/nowhere/ca.pem' {NO_CA_FILE}"),
    ({"CA_FILE": "/etc/passwd"}, f"CA_FILE='/etc/passwd' {NO_CA_FILE}"),
    ({"CA_FILE": "/etc"}, f"CA_FILE='/etc' {NO_CA_FILE}"),
    (
        {"PUBLIC_URL": "https://[1]"},
        "PUBLIC_URL='https://[1]' is not an origin; write it like https://portal.vendor.example",
    ),
    (
        {"SMARTRECRUITERS_TRUSTED_ORIGINS": "https://[a.example"},
        f"SMARTRECRUITERS_TRUSTED_ORIGINS='https://[a.example' {NO_ORIGIN}",
    ),
    (
        {"OIDC_ISSUER": "https://[hidden", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"},
        "OIDC_ISSUER is not an issuer; write it like https://login.vendor.example/realms/staff",
    ),
    ({"EMAIL_URL": "hidden"}, NO_MAIL),
    (
        {"TRUSTED_PROXIES": "nginx"},
        "TRUSTED_PROXIES='nginx' is not an IP address: write it like 10.0.0.5 or 10.0.0.0/24",
    ),
    (
        {"TRUSTED_PROXIES": "0.0.0.0/0"},
        "TRUSTED_PROXIES=0.0.0.0/0 would let anyone forge an IP address: name the proxy’s own",
    ),
    ({"SMARTRECRUITERS_TRUSTED_ORIGINS": "*"}, f"SMARTRECRUITERS_TRUSTED_ORIGINS='*' {NO_ORIGIN}"),
    ({"SMARTRECRUITERS_TRUSTED_ORIGINS": "https://*"}, f"SMARTRECRUITERS_TRUSTED_ORIGINS='https://*' {NO_ORIGIN}"),
    (
        {"SMARTRECRUITERS_TRUSTED_ORIGINS": "https://*.com"},
        f"SMARTRECRUITERS_TRUSTED_ORIGINS='https://*.com' {NO_ORIGIN}",
    ),
    ({"STAFF_MFA": "off"}, "STAFF_MFA='off' is unknown: write required or optional"),
    ({"WEBHOOKS_ALLOW_PRIVATE": "maybe"}, "WEBHOOKS_ALLOW_PRIVATE='maybe' is not a switch: write 1 or 0"),
    ({"EMAIL_URL": "smtp://"}, NO_MAIL),
    (
        {"EMAIL_FROM": "Vendor"},
        "EMAIL_FROM='Vendor' is not a sender; write it like Vendor <no-reply@vendor.example>",
    ),
    ({"EMAIL_RATE": "fast"}, "EMAIL_RATE='fast' is not a rate; write a number per second, like 20 or 0.5"),
    ({"EMAIL_RATE": "0"}, "EMAIL_RATE='0' is not a rate; write a number per second, like 20 or 0.5"),
    ({"EMAIL_RATE": "nan"}, "EMAIL_RATE='nan' is not a rate; write a number per second, like 20 or 0.5"),
    ({"SMARTRECRUITERS_CLIENT_ID": "hidden"}, HALF_A_PAIR),
    ({"SMARTRECRUITERS_CLIENT_SECRET": "hidden"}, HALF_A_PAIR),
    (
        {"SECURITY_CONTACT": "call us"},
        "SECURITY_CONTACT='call us' is no contact; write an email address, or a URL like "
        "https://vendor.example/security",
    ),
    ({"SENTRY_DSN": "hidden"}, "SENTRY_DSN is not a DSN; write it like https://key@errors.vendor.example/1"),
    ({"OIDC_SECOND_FACTOR": "maybe"}, "OIDC_SECOND_FACTOR='maybe' is not a switch: write 1 or 0"),
    ({"OIDC_STAFF_ROLE": "administrator"}, "OIDC_STAFF_ROLE='administrator' is unknown: write viewer or support"),
    (
        {"OIDC_CLIENT_ID": "hidden"},
        "OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is set: give OIDC_ISSUER too, or remove them",
    ),
    (
        {"PORTAL_ENV_FILE": "/nowhere/portal.env"},
        "The settings in /nowhere/portal.env cannot be read (No such file or directory): "
        "check the file and PORTAL_ENV_FILE",
    ),
    ({"OUTBOX_TIME_SCALE": "0.1"}, FOR_TESTS),
    ({"OUTBOX_FAILPOINTS": "before_send"}, FOR_TESTS),
    ({"PORT": "http"}, "PORT=http is not a port: give a number from 1 to 65535"),
]


def start(
    folder: Path, *command: str, umask: int = -1, given: str = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    default = {"PATH": os.environ["PATH"], "PORTAL_ENV_FILE": "", "PORTAL_DATA_DIR": str(folder), **PRODUCTION}
    return subprocess.run(
        [sys.executable, *command],
        env={**default, **environment},
        cwd=REPOSITORY,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        umask=umask,
    )


# Reads valid settings, and then forks for each environment: importing what the settings need takes half a second.
READ_EACH = """
import json, os, sys
from django.conf import empty, settings
from config.server.preflight import read_settings
read_settings()
for environment in json.load(sys.stdin):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        for name in [name for name in sys.modules if name.startswith("config.")]:
            del sys.modules[name]
        settings._wrapped = empty
        os.environ.update(environment)
        read_settings()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        print(json.dumps([said.read(), os.waitstatus_to_exitcode(os.wait()[1])]), flush=True)
"""


@pytest.mark.e2e
def test_unsafe_settings_are_refused_in_one_line(tmp_path: Path) -> None:
    """All processes load the same settings, so one process stands for all."""
    given = json.dumps([environment for environment, _ in REFUSALS])
    done = start(tmp_path, "-c", READ_EACH, given=given)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found == [[f"The portal does not start: {line}\n", 3] for _, line in REFUSALS], done.stderr


COMMANDS = [
    ("manage.py", "migrate"),
    ("manage.py", "seed_demo", "--json"),
    ("-m", "celery", "-A", "config", "worker", "-P", "threads", "-c", "1"),
    ("-m", "celery", "-A", "config", "beat"),
    ("-c", "import config.wsgi"),
]


@pytest.mark.e2e
@pytest.mark.parametrize("command", COMMANDS)
def test_every_process_refuses(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = start(tmp_path, *command, DEBUG="1")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"The portal does not start: {REFUSALS[0][1]}\n")


@pytest.mark.e2e
def test_bare_gunicorn_refuses_and_gives_up(tmp_path: Path) -> None:
    bound = f"127.0.0.1:{free_port()}"
    done = start(tmp_path, "-m", "gunicorn", "--no-control-socket", "-b", bound, "config.wsgi", DEBUG="1")
    lines = done.stderr.splitlines()
    assert done.returncode == 3
    assert lines.count(f"The portal does not start: {REFUSALS[0][1]}") == 1
    assert [line for line in lines if "Traceback" in line] == []


@pytest.mark.e2e
@pytest.mark.parametrize("number", [0, 2, 7, 10, 13])
def test_serve_refuses_before_anything_runs(tmp_path: Path, number: int) -> None:
    environment, line = REFUSALS[number]
    done = start(tmp_path, "-m", "config.supervisor", "serve", PORT=str(free_port()), **environment)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"serve: {line}\n")
    assert not (tmp_path / "portal.sqlite3").exists()


@pytest.mark.e2e
@pytest.mark.parametrize("command", [("-m", "config.supervisor", "serve"), ("manage.py", "check")])
def test_line_that_is_no_setting_is_told_by_its_number(tmp_path: Path, command: tuple[str, ...]) -> None:
    """The line may contain a secret, so it is not shown."""
    file = tmp_path / "portal.env"
    file.write_text("# remark\n \n  # another\nexport LOG_FORMAT=json\nSMARTRECRUITERS_CLIENT_SECRET: hidden\n")
    done = start(tmp_path, *command, PORTAL_ENV_FILE=str(file), PORT=str(free_port()))
    said = f"{file}, line 5, is not a setting: write NAME=value, or # before a comment\n"
    assert (done.returncode > 0, done.stdout, done.stderr.partition(": ")[2]) == (True, "", said)


@pytest.mark.e2e
def test_serve_without_its_database_says_so_in_one_line(tmp_path: Path) -> None:
    port = str(free_port())
    done = start(tmp_path, "-m", "config.supervisor", "serve", PORT=port, DATABASE_URL=POSTGRES, **KEYS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"serve: {NO_SERVER}\n"


@pytest.mark.e2e
@pytest.mark.parametrize("command", [["reconcile"], ["create_engine_client", "Own"], ["audit_verify"]])
def test_command_without_its_database_says_so_in_one_line(tmp_path: Path, command: list[str]) -> None:
    done = start(tmp_path, "manage.py", *command, DATABASE_URL=POSTGRES, **KEYS)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{NO_SERVER}\n")
    where = start(tmp_path, "manage.py", *command, "--traceback", DATABASE_URL=POSTGRES, **KEYS)
    assert (where.returncode, "Traceback" in where.stderr) == (1, True)


@pytest.mark.e2e
def test_command_before_migrations_says_what_to_run(tmp_path: Path) -> None:
    done = start(tmp_path, "manage.py", "create_engine_client", "Own")
    said = "The database does not match this version (no such table: integrations_client)"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{said}: run manage.py migrate\n")


@pytest.mark.e2e
@pytest.mark.parametrize("more", [{}, {"DATABASE_URL": POSTGRES, **KEYS}], ids=["embedded", "postgresql"])
def test_deployment_checks_find_nothing(tmp_path: Path, more: dict[str, str]) -> None:
    done = start(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **more)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (1 silenced).\n")


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "is_refused"), [("DELETE", True), ("WAL", False)])
def test_sqlite_without_a_write_ahead_log_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, is_refused: bool
) -> None:
    options = {"init_command": f"PRAGMA journal_mode={mode}"}
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "own.sqlite3", "OPTIONS": options}
    handler = ConnectionHandler({"default": own})
    monkeypatch.setattr(checks, "connections", handler)
    found = checks.check_sqlite_wal(databases=["default"])
    handler["default"].close()
    assert [each.id for each in found] == ["portal.E001"] * is_refused
    assert all("put PORTAL_DATA_DIR on a local disk" in each.msg for each in found)


def test_https_names_and_closes_the_cookies(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    show = f"from django.conf import settings; print(*[getattr(settings, name) for name in {names}])"
    done = start(tmp_path, "-c", show, DJANGO_SETTINGS_MODULE="config.settings")
    assert done.stdout.split() == ["__Host-session", "__Host-csrf", "True", "True"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("", "None"),
        ("unix:///run/clamav/clamd.ctl", "'/run/clamav/clamd.ctl'"),
        ("tcp://scanner.vendor.example:4000", "('scanner.vendor.example', 4000)"),
        ("tcp://127.0.0.1", "('127.0.0.1', 3310)"),
        ("tcp://[::1]:3310/", "('::1', 3310)"),
    ],
)
def test_address_of_the_malware_scanner(tmp_path: Path, url: str, address: str) -> None:
    show = "from django.conf import settings; print(repr(settings.CLAMAV_ADDRESS))"
    done = start(tmp_path, "-c", show, DJANGO_SETTINGS_MODULE="config.settings", CLAMAV_URL=url)
    assert (done.returncode, done.stdout) == (0, f"{address}\n")


def test_data_folder_is_private_whoever_makes_it(tmp_path: Path) -> None:
    show = "from django.conf import settings; settings.DEBUG"
    assert start(tmp_path / "new", "-c", show, DJANGO_SETTINGS_MODULE="config.settings").returncode == 0
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


# What each process runs first: Django's command line, the web server's module, a worker's and the scheduler's app.
FIRST_WRITERS: dict[str, tuple[str, ...]] = {
    "migrate": ("manage.py", "migrate", "--verbosity=0"),
    "seed_demo": ("manage.py", "seed_demo", "--json", "--i-know"),
    "web": ("-c", "import config.wsgi; from django.db import connection; connection.ensure_connection()"),
    "celery": ("-m", "celery", "-A", "config", "inspect", "conf", "--timeout=0.1"),
}


@pytest.mark.e2e
@pytest.mark.parametrize("command", FIRST_WRITERS)
def test_files_are_private_whichever_process_is_first(tmp_path: Path, command: str) -> None:
    """In a folder that others can read, as an operator or a package may have created it."""
    tmp_path.chmod(0o755)
    start(tmp_path, *FIRST_WRITERS[command], umask=0o022)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
    assert {"secret_key", "encryption_key"} <= modes.keys()
    assert command == "celery" or "portal.sqlite3" in modes


@pytest.mark.e2e
def test_database_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    command = ("manage.py", "migrate", "--verbosity=0")
    assert start(tmp_path, *command).stderr == ""
    (tmp_path / "portal.sqlite3").chmod(0o644)
    advice = f"run chmod go= {tmp_path}/portal.sqlite3*"
    said = f"?: (portal.W002) Other users of this machine can read candidates' data: {advice}"
    assert said in start(tmp_path, *command).stderr.splitlines()
    (tmp_path / "portal.sqlite3").chmod(0o600)
    assert start(tmp_path, *command).stderr == ""
