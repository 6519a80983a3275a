"""A collector of traces that reads what it gets with OpenTelemetry's own types."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from support import evidence
from support.waiting import wait_for


def partial_success(rejected):
    response = ExportTraceServiceResponse()
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


class Collector:
    """Answers each request with the next of `answers`: (status, headers, body), "hang" or "close"; the last one for ever."""

    def __init__(self, *answers, port=0):
        self.requests, self.times, self._answers, self._lock = [], [], list(answers) or [(200, {}, b"")], threading.Lock()
        collector, self._released = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector._lock:
                    answer = collector._answers.pop(0) if len(collector._answers) > 1 else collector._answers[0]
                    collector.times.append(time.monotonic())
                    collector.requests.append((self.path, dict(self.headers), body))
                    evidence.keep("spans", body)
                if answer == "hang":
                    collector._released.wait(60)
                if answer in ("hang", "close"):
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.endpoint = "http://127.0.0.1:%d" % self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def messages(self):
        for path, headers, body in list(self.requests):
            assert path == "/v1/traces" and headers["Content-Type"] == "application/x-protobuf"
            message = ExportTraceServiceRequest.FromString(body)
            assert unknown_fields(message) == []
            # The encoding has one form for each message here: nothing is there twice, nothing in a default's place.
            assert len(message.SerializeToString()) == len(body)
            yield message

    def spans(self):
        return [span for message in self.messages() for resource in message.resource_spans for scope in resource.scope_spans for span in scope.spans]

    def wait_for(self, name, seconds=10):
        return wait_for(lambda: next((span for span in self.spans() if span.name == name), None), seconds, f"a span {name}")
