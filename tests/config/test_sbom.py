"""The software bill of materials and the licences in it: .ci/sbom.py (tests/reliability/README.md, A26)."""

import copy
import importlib.util
import json
import re
import tomllib
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.config.conftest import REPOSITORY

LOCK = (REPOSITORY / "requirements.txt").read_text()
BOM: dict[str, Any] = json.loads((REPOSITORY / "deploy/sbom.cdx.json").read_text())


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("sbom", REPOSITORY / ".ci" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sbom = load_script()


def with_licence(name: str, licence: str) -> dict[str, Any]:
    bom = copy.deepcopy(BOM)
    [component] = [each for each in bom["components"] if each["name"] == name]
    component["licenses"] = [{"expression": licence}] if licence else []
    return bom


def test_bill_is_valid_and_fits_the_lock_file() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(BOM)) is None
    assert sbom.find_problems(BOM, LOCK) == []
    assert (REPOSITORY / "deploy/LICENCES.md").read_text() == sbom.render_licences(BOM)


def test_bill_has_hashes_and_the_graph() -> None:
    hashes = {
        component["name"]: {each["content"] for each in component["externalReferences"][0]["hashes"]}
        for component in BOM["components"]
    }
    locked = {
        block.partition("==")[0]: set(re.findall(r"sha256:([0-9a-f]{64})", block))
        for block in re.split(r"\n(?=\w)", LOCK)
    }
    assert hashes == locked
    names = {component["bom-ref"]: component["name"] for component in BOM["components"]}
    graph = {each["ref"]: sorted(names[ref] for ref in each["dependsOn"]) for each in BOM["dependencies"]}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    direct = sorted(re.split(r"[^\w.-]", each)[0].lower() for each in project["dependencies"])
    assert (graph["root-component"], graph[f"pkg:pypi/django@{_version('django')}"]) == (
        direct,
        ["asgiref", "sqlparse", "tzdata"],
    )
    assert graph.keys() == {"root-component", *names}


def _version(name: str) -> str:
    return next(each["version"] for each in BOM["components"] if each["name"] == name)


@pytest.mark.parametrize(
    ("lock", "problems"),
    [
        (LOCK.replace(f"django=={_version('django')}", "django==5.2.99"), {_version("django"), "5.2.99"}),
        (LOCK + "\nleftpad==1.0 \\\n", {"1.0"}),
        (LOCK.replace(f"vine=={_version('vine')}", "# vine"), {_version("vine")}),
    ],
)
def test_bill_that_differs_from_the_lock_file_is_a_problem(lock: str, problems: set[str]) -> None:
    found = sbom.find_problems(BOM, lock)
    said = re.compile(r"deploy/sbom\.cdx\.json and requirements\.txt differ in [\w-]+ ([\d.]+): run make lock")
    assert {match[1] if (match := said.fullmatch(line)) else line for line in found} == problems


@pytest.mark.parametrize(
    ("licence", "named"),
    [
        ("AGPL-3.0-only", "AGPL-3.0-only"),
        ("GPL-2.0-or-later", "GPL-2.0-or-later"),
        ("MIT AND BUSL-1.1", "MIT AND BUSL-1.1"),
        ("MIT OR GPL-3.0-only", "MIT OR GPL-3.0-only"),
        ("LicenseRef-Proprietary", "LicenseRef-Proprietary"),
        ("", "unknown"),
    ],
)
def test_unexpected_licence_is_a_problem(licence: str, named: str) -> None:
    expected = [f"celery has the licence {named}: see .ci/sbom.py"]
    assert sbom.find_problems(with_licence("celery", licence), LOCK) == expected


@pytest.mark.parametrize("licence", ["MIT", "BSD-3-Clause AND MIT", "Apache-2.0 OR BSD-2-Clause", "LGPL-3.0-only"])
def test_allowed_licence_is_none(licence: str) -> None:
    assert sbom.find_problems(with_licence("celery", licence), LOCK) == []


def test_metadata_without_an_spdx_licence_is_unknown_until_it_was_read() -> None:
    classifier = {"license": {"name": "License :: OSI Approved :: BSD License", "acknowledgement": "declared"}}
    spdx = {"license": {"id": "MIT", "acknowledgement": "declared"}}
    concluded = {"expression": "BSD-3-Clause", "acknowledgement": "concluded"}
    chosen = [
        sbom.choose_licences(*each)
        for each in [("new", []), ("new", [classifier]), ("new", [classifier, spdx]), ("vine", [classifier])]
    ]
    assert chosen == [[], [], [spdx], [concluded]]
