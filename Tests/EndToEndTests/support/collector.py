"""A collector of traces that reads what it gets with OpenTelemetry's own types."""

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from harness import evidence
from harness.recorded import RecordedAnswers
from harness.waiting import wait_for


def partial_success(rejected):
    response = trace_service_pb2.ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    return response.SerializeToString()


def unknown_fields(message):
    """Names of messages that hold fields which their type does not have."""
    found = [message.DESCRIPTOR.name] if len(UnknownFieldSet(message)) else []
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            repeated = not hasattr(value, "ListFields")
            for child in value if repeated else [value]:
                found += unknown_fields(child)
    return found


def attributes(holder):
    names = [pair.key for pair in holder.attributes]
    assert len(names) == len(set(names)), names
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in holder.attributes}


class Collector(RecordedAnswers):
    def __init__(self, *answers):
        super().__init__(*answers or [(200, b"")])

    def __exit__(self, *_):
        super().__exit__()
        for request in self.requests:
            evidence.keep("spans", request.body)

    def messages(self):
        for request in list(self.requests):
            assert request.path == "/v1/traces" and request.headers["Content-Type"] == "application/x-protobuf"
            message = trace_service_pb2.ExportTraceServiceRequest.FromString(request.body)
            assert unknown_fields(message) == []
            # The encoding has one form for each message here: nothing is there twice, nothing in a default's place.
            assert len(message.SerializeToString()) == len(request.body)
            yield message

    def spans(self):
        resources = [resource for message in self.messages() for resource in message.resource_spans]
        return [span for resource in resources for scope in resource.scope_spans for span in scope.spans]

    def wait_for(self, name, seconds=10):
        return wait_for(
            lambda: next((span for span in self.spans() if span.name == name), None), seconds, f"a span {name}")
