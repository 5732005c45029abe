"""What the portal's processes get to see, and where they listen."""

from pathlib import Path

import pytest

from config.supervisor import environment
from config.supervisor.demo import build_portal_environment, list_binds
from config.supervisor.environment import BindAddress, build_machine_environment, build_serve_environment
from config.supervisor.errors import StartupError

# Every setting of the portal; the demo gives its own value to the first ones and leaves out the others.
GIVEN = {
    "PORT",
    "BIND",
    "PUBLIC_URL",
    "PORTAL_DATA_DIR",
    "PORTAL_ENV_FILE",
    "REDIS_URL",
    "EMAIL_URL",
    "SMARTRECRUITERS_API_URL",
    "SMARTRECRUITERS_CLIENT_ID",
    "SMARTRECRUITERS_CLIENT_SECRET",
    "SMARTRECRUITERS_TRUSTED_ORIGINS",
    "PROMETHEUS_MULTIPROC_DIR",
    "STAFF_MFA",
    "WEBHOOKS_ALLOW_PRIVATE",
}
LEFT_OUT = {
    *("ALLOWED_HOSTS", "TRUSTED_PROXIES", "SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "METRICS_TOKEN"),
    *("SENTRY_DSN", "LOG_FORMAT", "BRAND_NAME", "EMAIL_FROM", "OUTBOX_TIME_SCALE", "DJANGO_SETTINGS_MODULE"),
    *("PYTHONPATH", "HTTP_PROXY", "GUNICORN_CMD_ARGS", "CELERY_BROKER_URL", "WEB_CONCURRENCY"),
}
ADDRESS = BindAddress("127.0.0.1", 18000)


@pytest.mark.parametrize("name", sorted(GIVEN | LEFT_OUT))
def test_demo_environment_leaks_no_setting_of_the_caller(tmp_path: Path, name: str) -> None:
    machine = build_machine_environment({"PATH": "/bin", name: "leaked"})

    made = build_portal_environment(machine, ADDRESS, tmp_path / "run", tmp_path)

    assert "leaked" not in made.values()
    assert (name in made) == (name in GIVEN)


def test_demo_environment_names_every_setting(tmp_path: Path) -> None:
    made = build_portal_environment(build_machine_environment({"PATH": "/bin"}), ADDRESS, tmp_path / "run", tmp_path)

    assert set(made) == GIVEN | {"PATH", "PYTHONUNBUFFERED"}
    assert made["PORTAL_ENV_FILE"] == ""
    assert made["PUBLIC_URL"] == "http://localhost:18000"
    assert made["SMARTRECRUITERS_API_URL"] == "http://localhost:18001"


def test_serve_environment_completes_the_callers_by_the_env_file(tmp_path: Path) -> None:
    file = tmp_path / "settings"
    file.write_text("PORT=9000\nBIND='0.0.0.0'\nREDIS_URL=redis://broker.example/0\n# PUBLIC_URL=no\n")

    made = build_serve_environment({"PORTAL_ENV_FILE": str(file), "PORT": "9001"})

    assert made == {
        "PORTAL_ENV_FILE": str(file),
        "PORT": "9001",
        "BIND": "0.0.0.0",
        "REDIS_URL": "redis://broker.example/0",
        "PYTHONUNBUFFERED": "1",
    }


def test_serve_environment_with_empty_env_file_reads_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\n")
    monkeypatch.setattr(environment, "REPOSITORY", tmp_path)

    assert build_serve_environment({})["PORT"] == "9000"
    assert "PORT" not in build_serve_environment({"PORTAL_ENV_FILE": ""})


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8000.0", "²"])
def test_address_with_bad_port_is_refused(port: str) -> None:
    with pytest.raises(StartupError, match=f"PORT={port} is not a port: give a number from 1 to 65535"):
        BindAddress.from_environment({"PORT": port})


def test_address_without_room_for_the_demos_ports_is_refused() -> None:
    with pytest.raises(StartupError, match="give a number from 1 to 65533"):
        BindAddress.from_environment({"PORT": "65534"}, ports=3)


@pytest.mark.parametrize(
    ("bind", "listen", "reachable"),
    [
        ("", "127.0.0.1:8000", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0:8000", "127.0.0.1"),
        ("::", "[::]:8000", "::1"),
        ("[::1]", "[::1]:8000", "::1"),
        ("localhost", "localhost:8000", "localhost"),
    ],
)
def test_address_listens_and_is_reached(bind: str, listen: str, reachable: str) -> None:
    address = BindAddress.from_environment({"BIND": bind})

    assert (address.format_bind(), address.reachable_host) == (listen, reachable)


@pytest.mark.parametrize(
    ("bind", "listen"),
    [
        ("127.0.0.1", ["127.0.0.1:8000"]),
        ("0.0.0.0", ["0.0.0.0:8000"]),
        ("10.1.2.3", ["10.1.2.3:8000", "127.0.0.1:8000"]),
    ],
)
def test_demo_listens_on_loopback_in_any_case(bind: str, listen: list[str]) -> None:
    assert list_binds(BindAddress(bind, 8000)) == listen
