"""What the simulator knows, as values: never changed in place, so that a page may read them without a lock."""

from dataclasses import dataclass, field
from typing import Any

FINAL_STATUSES = frozenset({"COMPLETED", "REJECTED", "EXPIRED"})
STATUSES = ("PENDING", "IN_PROGRESS", "COMPLETED", "REJECTED", "EXPIRED")
STATUS_RANK = {"PENDING": 0, "IN_PROGRESS": 1, "COMPLETED": 2, "REJECTED": 2, "EXPIRED": 2}
ASSESSMENT_TYPES = (
    "BACKGROUND_CHECK",
    "BEHAVIORAL_ASSESSMENT",
    "INLINE_ASSESSMENT",
    "REFERENCE_CHECK",
    "SKILL_TEST",
    "VIDEO_INTERVIEW",
)


@dataclass(frozen=True)
class CredentialPair:
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Company:
    """A customer of SmartRecruiters. `partner_pair` the portal minted, `own_pair` the simulator."""

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
    """The use of a client id in the exchange of credentials. `settled`: the caller was told the outcome."""

    company: str
    secret_digest: str
    consent: int
    settled: bool


@dataclass(frozen=True)
class Answer:
    """What the portal said to an order. No status: it never answered."""

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
        return any(answer.status in (200, 202) and answer.problem is None for answer in self.answers)

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
    """A switch. Without `route` or `company` for all of them; without `left` until it is cleared."""

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
    """What nobody has published, and what tests turn: each with the default of PROTOCOL.md."""

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
