"""The engine API's pages: "Plug in your engine", and the reference, both drawn on the server from what is served."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView

QUICKSTART = "api/quickstart.sh"


class Schema(SpectacularJSONAPIView):
    """The OpenAPI description; needs no token, since it holds nothing of anybody."""


@dataclass(frozen=True)
class Step:
    says: str
    commands: str


def steps() -> list[Step]:
    """The quick start's blocks: a line of words, then the commands. A test runs the same file."""
    blocks = get_template(QUICKSTART).render().strip().split("\n\n")
    return [Step(says.removeprefix("# "), commands) for says, _, commands in (b.partition("\n") for b in blocks)]


@lru_cache(maxsize=1)
def _description() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema


def _fields(schema: dict[str, Any], components: dict[str, Any], within: str = "") -> list[dict[str, Any]]:
    """Name, type and remark of each field of a component, and of those inside it, for a table."""
    found = schema
    while "$ref" in found or "allOf" in found or found.get("type") == "array":
        if "$ref" in found:
            found = components[found["$ref"].rpartition("/")[2]]
        else:
            found = found["allOf"][0] if "allOf" in found else found["items"]
    required = found.get("required", [])
    rows = []
    for name, field in found.get("properties", {}).items():
        says, path = field.get("description", ""), f"{within}{name}"
        rows.append({"name": path, "type": _type(field, components), "required": name in required, "says": says})
        rows += _fields(field, components, f"{path}[]." if field.get("type") == "array" else f"{path}.")
    return rows


def _type(field: dict[str, Any], components: dict[str, Any]) -> str:
    if "enum" in field:
        return " or ".join("null" if value is None else str(value) or "empty" for value in field["enum"])
    if "$ref" in field:
        name = str(field["$ref"].rpartition("/")[2])
        return _type(components[name], components) if "enum" in components[name] else name
    for several in ("allOf", "oneOf", "anyOf"):
        if several in field:
            return " or ".join(_type(one, components) for one in field[several])
    if field.get("type") == "array":
        return f"list of {_type(field['items'], components)}"
    return str(field.get("format") or field.get("type") or "any") + (" or null" if field.get("nullable") else "")


def _body(content: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    media: dict[str, Any] = content.get("application/json") or next(iter(content.values()), {})
    return _fields(media.get("schema", {}), components)


def operations() -> list[dict[str, Any]]:
    """Every call of the API, in the order of its addresses."""
    description = _description()
    components = description["components"]["schemas"]
    found = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            success: dict[str, Any] = next((answers[s] for s in ("200", "201") if s in answers), {})
            found.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "anchor": operation["operationId"],
                    "says": operation.get("description", "").replace("`", ""),
                    "parameters": [p for p in operation.get("parameters", []) if p["in"] != "path"],
                    "takes": _body(operation.get("requestBody", {}).get("content", {}), components),
                    "gives": _body(success.get("content", {}), components),
                    "statuses": [
                        {"code": code, "says": a.get("description", "")} for code, a in sorted(answers.items())
                    ],
                }
            )
    return found


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "api/docs.html", {"steps": steps(), "operations": operations()})
