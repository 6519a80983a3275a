"""The description of the API (nginx/html/openapi.json), and answers compared with it."""

import json
import re

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from harness.evidence import OF_HTTP
from harness.stack import REPOSITORY

URI = "urn:novatune:api"
METHODS = ("get", "post", "options")


class APIDocument:
    def __init__(self):
        self.tree = json.loads((REPOSITORY / "nginx/html/openapi.json").read_text())
        self._registry = Registry().with_resource(URI, DRAFT202012.create_resource(self.tree))
        self._templates = {
            re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"): path for path in self.tree["paths"]}

    def operations(self):
        """(path template, method, operation)"""
        for path, item in self.tree["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]

    def resolved(self, node):
        while "$ref" in node:
            node = self._registry.resolver(URI).lookup(node["$ref"]).contents
        return node

    def types(self, response):
        """The problem types of a response, without their common beginning."""
        schema = response.get("content", {}).get("application/problem+json", {}).get("schema", {})
        kinds = [self.resolved(kind) for kind in schema.get("oneOf", [schema])]
        return [kind["properties"]["type"]["const"].rpartition("/")[2] for kind in kinds if kind]

    def expected(self):
        """All that a client can get: (path template, method, status, problem type or media type or None)."""
        for path, method, operation in self.operations():
            for status, response in operation["responses"].items():
                response = self.resolved(response)
                for media in response.get("content", {None: None}):
                    kinds = self.types(response) if media == "application/problem+json" else [media]
                    yield from ((path, method, int(status), kind) for kind in kinds)

    def template(self, target):
        """The template that a path of a request belongs to; None for what the document does not describe."""
        path = target.partition("?")[0]
        return next((template for pattern, template in self._templates.items() if pattern.match(path)), None)

    def responses(self, template, method):
        """{status: response}. The answers to a method that the path has not are among those of the one that it has."""
        item = self.tree["paths"][template]
        main = item.get("post") or item["get"]
        return {
            int(status): self.resolved(response)
            for status, response in item.get(method.lower(), main)["responses"].items()}

    def issues(self, schema, value):
        validator = Draft202012Validator(
            {"$ref": f"{URI}#{schema}"} if isinstance(schema, str) else {"$id": URI + ":part", **self._based(schema)},
            registry=self._registry, format_checker=FormatChecker())
        return [error.message for error in validator.iter_errors(value)]

    def _based(self, schema):
        """With references that hold outside of the document, too."""
        return json.loads(json.dumps(schema).replace('"#/', f'"{URI}#/'))

    def validate(self, answer, template, method):
        """Status, headers, media type and body of an answer."""
        responses = self.responses(template, method)
        assert answer.status in responses, f"{method} {template} has no {answer.status}: {answer}"
        response = responses[answer.status]
        self._validate_headers(answer, response)
        if method == "HEAD" or "content" not in response:
            assert answer.body == b"", answer
            return
        media = answer.header("Content-Type")
        assert media in response["content"], answer
        text = answer.body.decode()
        value = json.loads(text) if media.endswith("json") else text
        assert not (issues := self.issues(response["content"][media]["schema"], value)), (issues, answer)

    def _validate_headers(self, answer, response):
        described = {name.lower(): self.resolved(header) for name, header in response["headers"].items()}
        sent = {name.lower() for name, _ in answer.headers} - OF_HTTP
        assert sent <= described.keys(), (sent - described.keys(), answer)
        required = {name for name, header in described.items() if header.get("required")}
        assert required <= sent, (required - sent, answer)
        for name in sent:
            schema, value = described[name]["schema"], answer.header(name)
            if schema.get("type") == "integer":
                value = int(value)
            assert not (issues := self.issues(schema, value)), (name, issues, answer)
