"""The reference of the engine's API, drawn from its own description: each call with its fields and an example."""

import json
from typing import Any

from config.apidocs.schema import get_schema


def _describe_fields(schema: dict[str, Any], components: dict[str, Any], within: str = "") -> list[dict[str, Any]]:
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
        rows.append(
            {"name": path, "type": _describe_type(field, components), "required": name in required, "description": says}
        )
        rows += _describe_fields(field, components, f"{path}[]." if field.get("type") == "array" else f"{path}.")
    return rows


def _describe_type(field: dict[str, Any], components: dict[str, Any]) -> str:
    if "enum" in field:
        return " or ".join("null" if value is None else str(value) or "empty" for value in field["enum"])
    if "$ref" in field:
        name = str(field["$ref"].rpartition("/")[2])
        return _describe_type(components[name], components) if "enum" in components[name] else name
    for several in ("allOf", "oneOf", "anyOf"):
        if several in field:
            kinds = dict.fromkeys(_describe_type(one, components) for one in field[several])
            return " or ".join({**kinds, **({"null": None} if field.get("nullable") else {})})
    if field.get("type") == "array":
        return f"list of {_describe_type(field['items'], components)}"
    return str(field.get("format") or field.get("type") or "any") + (" or null" if field.get("nullable") else "")


def _select_media(content: dict[str, Any]) -> dict[str, Any]:
    media: dict[str, Any] = content.get("application/json") or next(iter(content.values()), {})
    return media


def _body_fields(content: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    return _describe_fields(_select_media(content).get("schema", {}), components)


def _format_example(content: dict[str, Any]) -> str:
    example = _select_media(content).get("example")
    return "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)


def list_operations() -> list[dict[str, Any]]:
    """Every call of the API, in the order of its addresses."""
    described = get_schema()
    components = described["components"]["schemas"]
    found = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            taken = operation.get("requestBody", {}).get("content", {})
            success: dict[str, Any] = next((answers[s] for s in ("200", "201") if s in answers), {})
            given = success.get("content", {})
            found.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "anchor": operation["operationId"],
                    "description": operation.get("description", "").replace("`", ""),
                    "parameters": [
                        {"name": each["name"], "description": each.get("description", "").replace("`", "") or "A text."}
                        for each in operation.get("parameters", [])
                        if each["in"] != "path"
                    ],
                    "request_fields": _body_fields(taken, components),
                    "request_example": _format_example(taken),
                    "response_fields": _body_fields(given, components),
                    "response_example": _format_example(given),
                    "statuses": [
                        {"code": code, "description": a.get("description", "")} for code, a in sorted(answers.items())
                    ],
                }
            )
    return found
