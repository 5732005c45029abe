"""The invented companies, candidates and jobs. The same names give the same people after every start."""

import unicodedata
from typing import Any
from uuid import UUID, uuid5

_SPACE = UUID("5f0c7b52-8d0e-4c57-9f0c-2f6f4d1d7a10")

COMPANIES = {
    "northwind": "Northwind Retail",
    "harbour-clinics": "Harbour Clinics",
    "juniper-freight": "Juniper Freight",
}
CANDIDATES_SHOWN = 12

_FIRST = ["Amara", "Zoë", "Jonas", "Priya", "Łucja", "Mateo", "Yuki", "Noor", "Caoimhe", "Tomás", "Kwame"]
_LAST = ["Okafor", "Lindqvist", "Brandt", "Raman", "Nowak", "Duarte", "Sato", "Haddad", "Byrne", "Moreau"]
_LANGUAGES = ["en", "de", "fr", "en-GB", "pl", "es", "ja", "ar"]
_PLACE_KEYS = ("country", "countryCode", "region", "regionCode", "city", "address", "postalCode", "remote")
_JOBS = [
    ("Store manager", "Retail", ("Germany", "de", "Berlin", "BE", "Berlin", "Lindenstraße 12", "10969", False)),
    ("Data analyst", "Finance", ("United States", "us", "California", "CA", "Oakland", "9 Pine Street", "94111", True)),
    ("Support agent", "Customer care", ("Poland", "pl", "Małopolskie", "MA", "Kraków", "ul. Długa 5", "31-147", False)),
    ("Team lead", "Logistics", ("United Kingdom", "gb", "England", "ENG", "Manchester", "7 Canal Rd", "M1 3HZ", False)),
]  # fmt: skip
_TEAM_ROLES = ["HIRING_MANAGER", "RECRUITER", "INTERVIEW_TEAM", "Sponsor"]


def identifier(*parts: object) -> str:
    return str(uuid5(_SPACE, "/".join(str(part) for part in parts)))


def candidate(company: str, number: int) -> dict[str, Any]:
    """The company's n-th candidate, as `GET /candidates/{id}` answers him."""
    first, last = _FIRST[number % len(_FIRST)], _LAST[(number * 7 + number // len(_FIRST)) % len(_LAST)]
    mailbox = _ascii(f"{first}.{last}".lower()) + (f".{number}" if number >= CANDIDATES_SHOWN else "")
    job = job_of(company, number)
    return {
        "id": identifier(company, "candidate", number),
        "firstName": first,
        "lastName": last,
        "email": f"{mailbox}@{company}-candidates.example",
        "phoneNumber": f"+1 555 01{number % 100:02}",
        "location": {key: job["location"][key] for key in _PLACE_KEYS[:5]},
        "web": {"website": f"https://{mailbox.replace('.', '-')}.example"},
        "tags": ["simulated"],
        "education": [],
        "experience": [],
        "primaryAssignment": {"job": {"id": job["id"]}, "status": "IN_REVIEW"},
        "applicationLanguage": _LANGUAGES[number % len(_LANGUAGES)],
    }


def jobs(company: str) -> list[dict[str, Any]]:
    return [
        {
            "id": identifier(company, "job", number),
            "title": title,
            "refNumber": f"REF{number + 101}",
            "company": {"identifier": company, "name": COMPANIES.get(company, company)},
            "department": {"id": identifier(company, "department", department), "label": department},
            "location": dict(zip(_PLACE_KEYS, place, strict=True)),
            "status": "SOURCING",
            "creator": {"id": identifier(company, "person", "creator")},
            "properties": [],
        }
        for number, (title, department, place) in enumerate(_JOBS)
    ]


def job_of(company: str, number: int) -> dict[str, Any]:
    every = jobs(company)
    return every[number % len(every)]


def hiring_team(company: str) -> dict[str, Any]:
    content = [{"id": identifier(company, "person", role), "role": role} for role in _TEAM_ROLES]
    return {"totalFound": len(content), "content": content}


def _ascii(text: str) -> str:
    text = text.replace("ł", "l")
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
