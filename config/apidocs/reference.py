"""Reference of the engine API, generated from its OpenAPI description: each operation with its fields and examples."""

import json
from typing import Any

from config.apidocs.schema import get_schema


def _describe_fields(schema: dict[str, Any], components: dict[str, Any], within: str = "") -> list[dict[str, Any]]:
    """Return the rows of a table of a component's fields, including nested ones."""
    while "$ref" in schema or "allOf" in schema or schema.get("type") == "array":
        if "$ref" in schema:
            schema = components[schema["$ref"].rpartition("/")[2]]
        else:
            schema = schema["allOf"][0] if "allOf" in schema else schema["items"]
    rows = []
    for name, field in schema.get("properties", {}).items():
        path = f"{within}{name}"
        rows.append(
            {
                "name": path,
                "type": _describe_type(field, components),
                "required": name in schema.get("required", []),
                "description": field.get("description", ""),
            }
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
    """Return every operation of the API, in the order of the paths."""
    schema = get_schema()
    components = schema["components"]["schemas"]
    operations = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"]
            request_content = operation.get("requestBody", {}).get("content", {})
            success: dict[str, Any] = next((responses[s] for s in ("200", "201") if s in responses), {})
            response_content = success.get("content", {})
            operations.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "anchor": operation["operationId"],
                    "description": operation.get("description", "").replace("`", ""),
                    "parameters": [
                        {"name": each["name"], "description": each.get("description", "").replace("`", "") or "Text."}
                        for each in operation.get("parameters", [])
                        if each["in"] != "path"
                    ],
                    "request_fields": _body_fields(request_content, components),
                    "request_example": _format_example(request_content),
                    "response_fields": _body_fields(response_content, components),
                    "response_example": _format_example(response_content),
                    "statuses": [
                        {"code": code, "description": response.get("description", "")}
                        for code, response in sorted(responses.items())
                    ],
                }
            )
    return operations
