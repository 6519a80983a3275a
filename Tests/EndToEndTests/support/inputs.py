"""Stream requests as no player should send them."""

import random
import string

from harness.ulids import ulid


class Inputs:
    """Requests that a careless or curious client may send; a seed decides which."""

    METHODS = ["POST"] * 14 + ["OPTIONS"] * 3 + ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW"]
    SEGMENT = string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@"
    NOISE = "".join(map(chr, range(33, 127))) + " \t\xe9\xff"

    def __init__(self, seed, users, tracks, origin):
        self._random, self._users, self._tracks, self._origin = random.Random(seed), users, tracks, origin

    def _text(self, characters, longest):
        return "".join(self._random.choices(characters, k=self._random.randint(0, longest)))

    def _id(self):
        known = self._random.choice(self._tracks).id
        at = self._random.randrange(26)
        return self._random.choice([known] * 8 + [
            known.lower(), ulid(), known[:at], known[:at] + self._text(self.SEGMENT, 3) + known[at + 1:],
            f"%{ord(known[0]):02X}{known[1:]}", known + "%0A", "%" + self._text("0123456789abcdefg", 2),
            self._text(self.SEGMENT, 60) or "0", self._text(self.SEGMENT, 9) + "%2F", "%2e%2e", "x" * 3000])

    def _token(self):
        token = self._random.choice(self._users).token
        at = self._random.randrange(len(token))
        return self._random.choice([f"Bearer {token}"] * 8 + [
            f"bearer {token}", f"Bearer  {token}", f"Bearer {token[:at]}",
            f"Bearer {token[:at]}{token[at:].swapcase()}", f"Basic {token}", token, "Bearer",
            f"Bearer {token} {token}", "Bearer " + self._text(self.NOISE, 200).strip(), ""])

    def _headers(self):
        choices = {
            "Authorization": self._token,
            "Origin": lambda: self._random.choice([self._origin, "null", "https://x.example"]),
            "X-Correlation-Id": lambda: self._text(self.NOISE, 140).strip(),
            "traceparent": lambda: self._text("0123456789abcdef-", 60),
            "Accept": lambda: self._random.choice(["text/html", "application/xml;q=0.1", "*/*", "\xe9"]),
            "Content-Type": lambda: self._random.choice(["application/json", "text/plain", "x"]),
            "Range": lambda: f"bytes={self._random.randint(0, 10**9)}-",
            "If-None-Match": lambda: "*", "If-Match": lambda: '"x"',
            "If-Modified-Since": lambda: "Sun, 06 Nov 2094 08:49:37 GMT", "Expect": lambda: "200-ok",
            "Access-Control-Request-Method": lambda: "POST", "Cookie": lambda: self._text(self.NOISE, 100).strip(),
            "Accept-Encoding": lambda: "gzip, br", "Upgrade": lambda: "h2c", "X-User-Id": ulid,
            "X-Status": lambda: "200",
        }
        names = self._random.sample(sorted(choices), self._random.randint(0, 6))
        if self._random.random() < 0.6:
            names = [*dict.fromkeys(["Authorization", *names])]
        return {name: choices[name]() for name in names}

    def _body(self):
        return self._random.choice([b""] * 4 + [b"{}", self._random.randbytes(self._random.randint(1, 20_000))])

    def request(self):
        query = self._random.choice(["", "", "?", "?" + self._text(self.SEGMENT + "?/%", 100)])
        return self._random.choice(self.METHODS), f"/tracks/{self._id()}/stream{query}", self._headers(), self._body()
