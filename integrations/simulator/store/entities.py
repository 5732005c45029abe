"""Entities of the simulator, as frozen dataclasses, so that they can be read without a lock."""

from dataclasses import dataclass, field
from typing import Any

FINAL_STATUSES = frozenset({"COMPLETED", "REJECTED", "EXPIRED"})
STATUSES = ("PENDING", "IN_PROGRESS", "COMPLETED", "REJECTED", "EXPIRED")
STATUS_RANK = {"PENDING": 0, "IN_PROGRESS": 1, "COMPLETED": 2, "REJECTED": 2, "EXPIRED": 2}
ASSESSMENT_TYPES = (
    "BACKGROUND_CHECK", "BEHAVIORAL_ASSESSMENT", "INLINE_ASSESSMENT",
    "REFERENCE_CHECK", "SKILL_TEST", "VIDEO_INTERVIEW",
)  # fmt: skip


@dataclass(frozen=True)
class CredentialPair:
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Company:
    """Customer of SmartRecruiters. The portal issued `partner_pair`, the simulator issued `own_pair`."""

    id: str
    name: str
    consents: int = 0
    consented: bool = False
    partner_pair: CredentialPair | None = None
    own_pair: CredentialPair | None = None
    connected_at: float | None = None
    disconnected_at: float | None = None
    disable_owed: bool = False
    former_client_id: str = ""

    @property
    def is_connected(self) -> bool:
        return self.partner_pair is not None


@dataclass(frozen=True)
class Token:
    client_id: str
    expires_at: float


@dataclass(frozen=True)
class CredentialExchange:
    """Use of a client id in the exchange of credentials. `settled`: the caller received the outcome."""

    company: str
    secret_digest: str
    consent: int
    settled: bool


@dataclass(frozen=True)
class Answer:
    """Response of the portal to an order. `status` is None if there was no response."""

    at: float
    status: int | None
    seconds: float
    url: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Upload:
    id: str
    name: str
    type: str
    sha256: str
    size: int
    url: str
    reply_lost: bool = False


@dataclass(frozen=True)
class Notification:
    at: float
    status: str


@dataclass(frozen=True)
class Order:
    id: str
    company: str
    kind: str
    package: str
    package_name: str
    package_type: str
    assessments: tuple[str, ...] | None
    candidate: dict[str, Any]
    body: dict[str, Any]
    placed_at: float
    answers: tuple[Answer, ...] = ()
    result: dict[str, Any] = field(default_factory=dict)
    result_at: float | None = None
    effects: int = 0
    repeats: int = 0
    uploads: tuple[Upload, ...] = ()
    notifications: tuple[Notification, ...] = ()
    correction: str | None = None

    @property
    def is_inline(self) -> bool:
        return self.kind == "inline"

    @property
    def is_accepted(self) -> bool:
        return any(each.status in (200, 202) and each.problem is None for each in self.answers)

    @property
    def url(self) -> str | None:
        return next((answer.url for answer in reversed(self.answers) if answer.url), None)

    @property
    def status(self) -> str | None:
        return self.result.get("status")


@dataclass(frozen=True)
class Breach:
    id: int
    at: float
    what: str
    detail: str
    company: str | None = None
    order_id: str | None = None
    route: str | None = None


@dataclass(frozen=True)
class Fault:
    """Injected fault. None means: every `route`, every `company`, and (`left`) until it is cleared."""

    id: int
    action: str
    route: str | None = None
    company: str | None = None
    left: int | None = None
    after_effect: bool = False
    status: int = 500
    seconds: float = 1.0
    jitter: float = 0.0
    chance: float = 1.0
    retry_after: int | None = None
    fired: int = 0


@dataclass(frozen=True)
class Settings:
    """Behaviour that SmartRecruiters has not documented, and knobs for tests."""

    token_lifetime: int = 1800
    limits: bool = True
    rate: int = 10
    concurrent: int = 8
    latency: float = 0.0
    jitter: float = 0.0
    requester_encoding: str = "json"
    url_form: str = "auto"
    patch_types: str = "json"
    upload_part: str = "file"
    upload_limit: int = 10 * 1024 * 1024
    job_spelling: str = "both"
    callback_spelling: str = "completedAssessmentCallbackUrl"
    disable_bearer: bool = True
    partner_timeout: float = 15.0


SETTING_CHOICES: dict[str, tuple[str, ...]] = {
    "requester_encoding": ("json", "pairs", "bare"),
    "url_form": ("auto", "template", "prefix"),
    "patch_types": ("json", "merge-patch", "both"),
    "job_spelling": ("both", "job", "jobId"),
    "callback_spelling": ("completedAssessmentCallbackUrl", "completeAssessmentCallbackUrl"),
}
