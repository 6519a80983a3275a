"""A server that gives recorded answers, whatever it is asked."""

import json
import threading
import time
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Request = namedtuple("Request", "path headers body at")
HANG, CLOSE = "hang", "close"


class RecordedAnswers:
    """Gives each POST the next of `answers`, the last one for ever: a status, a body (bytes, a text or what becomes
    JSON) and perhaps headers; or HANG or CLOSE."""

    def __init__(self, *answers):
        self.requests = []
        self._answers = list(answers)
        self._lock, self._released = threading.Lock(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer._next(Request(self.path, self.headers, body, time.monotonic()))
                if answer == HANG:
                    outer._released.wait(60)
                if answer in (HANG, CLOSE):
                    self.close_connection = True
                    return
                status, content, *headers = answer
                content = content if isinstance(content, (bytes, str)) else json.dumps(content)
                content = content.encode() if isinstance(content, str) else content
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **dict(*headers)}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, request):
        with self._lock:
            self.requests.append(request)
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
