"""Sample companies, candidates and jobs, the same ones at every start."""

import unicodedata
from typing import Any
from uuid import UUID, uuid5

_ID_NAMESPACE = UUID("5f0c7b52-8d0e-4c57-9f0c-2f6f4d1d7a10")

COMPANIES = {
    "northwind": "Northwind Retail",
    "harbour-clinics": "Harbour Clinics",
    "juniper-freight": "Juniper Freight",
}
CANDIDATE_COUNT = 12

_FIRST_NAMES = ["Amara", "Zoë", "Jonas", "Priya", "Łucja", "Mateo", "Yuki", "Noor", "Caoimhe", "Tomás", "Kwame"]
_LAST_NAMES = ["Okafor", "Lindqvist", "Brandt", "Raman", "Nowak", "Duarte", "Sato", "Haddad", "Byrne", "Moreau"]
_LANGUAGES = ["en", "de", "fr", "en-GB", "pl", "es", "ja", "ar"]
_LOCATION_KEYS = ("country", "countryCode", "region", "regionCode", "city", "address", "postalCode", "remote")
_JOBS = [
    ("Store manager", "Retail", ("Germany", "de", "Berlin", "BE", "Berlin", "Lindenstraße 12", "10969", False)),
    ("Data analyst", "Finance", ("United States", "us", "California", "CA", "Oakland", "9 Pine Street", "94111", True)),
    ("Support agent", "Customer care", ("Poland", "pl", "Małopolskie", "MA", "Kraków", "ul. Długa 5", "31-147", False)),
    ("Team lead", "Logistics", ("United Kingdom", "gb", "England", "ENG", "Manchester", "7 Canal Rd", "M1 3HZ", False)),
]  # fmt: skip
_TEAM_ROLES = ["HIRING_MANAGER", "RECRUITER", "INTERVIEW_TEAM", "Sponsor"]


def build_id(*parts: object) -> str:
    return str(uuid5(_ID_NAMESPACE, "/".join(str(part) for part in parts)))


def build_candidate(company: str, number: int) -> dict[str, Any]:
    """Return the company's n-th candidate in the shape of `GET /candidates/{id}`."""
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    last = _LAST_NAMES[(number * 7 + number // len(_FIRST_NAMES)) % len(_LAST_NAMES)]
    mailbox = _to_ascii(f"{first}.{last}".lower()) + (f".{number}" if number >= CANDIDATE_COUNT else "")
    job = get_job(company, number)
    return {
        "id": build_id(company, "candidate", number),
        "firstName": first,
        "lastName": last,
        "email": f"{mailbox}@{company}-candidates.example",
        "phoneNumber": f"+1 555 01{number % 100:02}",
        "location": {key: job["location"][key] for key in _LOCATION_KEYS[:5]},
        "web": {"website": f"https://{mailbox.replace('.', '-')}.example"},
        "tags": ["simulated"],
        "education": [],
        "experience": [],
        "primaryAssignment": {"job": {"id": job["id"]}, "status": "IN_REVIEW"},
        "applicationLanguage": _LANGUAGES[number % len(_LANGUAGES)],
    }


def build_candidates(company: str) -> list[dict[str, Any]]:
    """Return the candidates that the pages list; further ones have higher numbers."""
    return [build_candidate(company, number) for number in range(CANDIDATE_COUNT)]


def build_jobs(company: str) -> list[dict[str, Any]]:
    return [
        {
            "id": build_id(company, "job", number),
            "title": title,
            "refNumber": f"REF{number + 101}",
            "company": {"identifier": company, "name": COMPANIES.get(company, company)},
            "department": {"id": build_id(company, "department", department), "label": department},
            "location": dict(zip(_LOCATION_KEYS, place, strict=True)),
            "status": "SOURCING",
            "creator": {"id": build_id(company, "person", "creator")},
            "properties": [],
        }
        for number, (title, department, place) in enumerate(_JOBS)
    ]


def get_job(company: str, number: int) -> dict[str, Any]:
    jobs = build_jobs(company)
    return jobs[number % len(jobs)]


def build_hiring_team(company: str) -> dict[str, Any]:
    content = [{"id": build_id(company, "person", role), "role": role} for role in _TEAM_ROLES]
    return {"totalFound": len(content), "content": content}


def _to_ascii(text: str) -> str:
    text = text.replace("ł", "l")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
