"""The OpenAPI document: every error as the problem document that it is, and which methods a path has."""

import re
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.routing import compile_path

MEDIA_TYPE = "application/problem+json"


def problem_responses() -> dict[int | str, dict[str, Any]]:
    """For each route: FastAPI itself would say that errors have the media type of the route's answers."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "4XX": {"description": "What is wrong with the request, and what would work", "content": content},
        "5XX": {"description": "What is wrong with the service", "content": content},
    }


def describe_problems(app: FastAPI, problem: type[BaseModel]) -> None:
    """Adds the schema that all errors point to."""
    generate = app.openapi

    def described() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", problem.model_json_schema(ref_template="#/components/schemas/{model}"))
        return document

    app.openapi = described  # type: ignore[method-assign]  # (FastAPI's own way to extend it)


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema with each `$ref` replaced by what it refers to, for a route that reads its body itself."""
    definitions: dict[str, Any] = schema.get("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(definitions[part["$ref"].removeprefix("#/$defs/")])
        return {name: resolved(one) for name, one in part.items() if name not in ("$defs", "discriminator")}

    found: dict[str, Any] = resolved(schema)
    return found


def allowed_methods(app: FastAPI, path: str) -> str | None:
    """For `Allow`: the methods of the most exact path that fits; None for one that the document leaves out."""
    if not hasattr(app.state, "described_paths"):
        app.state.described_paths = _paths(app)
    fitting = [(len(names), methods) for pattern, names, methods in app.state.described_paths if pattern.match(path)]
    return min(fitting)[1] if fitting else None


def _paths(app: FastAPI) -> list[tuple[re.Pattern[str], tuple[str, ...], str]]:
    found = []
    for template, operations in app.openapi()["paths"].items():
        pattern, _, names = compile_path(template)
        found.append((pattern, tuple(names), ", ".join(sorted(method.upper() for method in operations))))
    return found
