"""A server that gives recorded answers, whatever it is asked."""

import json
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Request = namedtuple("Request", "headers body")


class RecordedAnswers:
    """`answers` are pairs of status and body, a text or what becomes JSON; None is silence. The last one is given for ever."""

    def __init__(self, answers):
        self.requests = []
        self._answers = list(answers)
        self._silence = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer.requests.append(Request(self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
                answer = outer._answers.pop(0) if len(outer._answers) > 1 else outer._answers[0]
                if answer is None:
                    outer._silence.wait(30)
                    return
                status, content = answer
                body = (content if isinstance(content, str) else json.dumps(content)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._silence.set()
        self._server.shutdown()
        self._server.server_close()
