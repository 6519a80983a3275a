"""stunnel, which speaks TLS for a server that does not (Debian's package stunnel4)."""

import re
import shutil
import subprocess

from harness.nginx import answers, free_port
from harness.waiting import wait_for


def program():
    """None where there is none."""
    return shutil.which("stunnel")


class Stunnel:
    """Runs from its start until `stop`. `services` are the lines of each service of its configuration, by name; the
    first accepts connections on `port`."""

    def __init__(self, directory, services):
        self.port = free_port()
        self._log = directory / "stunnel.log"
        config = directory / "stunnel.conf"
        lines = ["foreground = yes", "pid =", "syslog = no", "debug = info", f"output = {self._log}"]
        for number, (name, options) in enumerate(services.items()):
            own = {"accept": f"127.0.0.1:{self.port}"} if number == 0 else {}
            lines += [f"[{name}]", *(f"{option} = {value}" for option, value in (own | options).items())]
        config.write_text("".join(f"{line}\n" for line in lines))
        self._process = subprocess.Popen(
            [program(), config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port) or self._process.poll() is not None, 10, "stunnel's start")
        assert self._process.poll() is None, self._log.read_text()

    def versions(self):
        """The versions of TLS that its connections have."""
        return set(re.findall(r"(TLSv[\d.]+) ciphersuite", self._log.read_text(errors="replace")))

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
