"""A DNS server, dnsmasq, for one name, whose addresses a test changes."""

import os
import shutil
import signal
import subprocess

from harness.nginx import free_port
from harness.waiting import wait_for


def program():
    """None where there is none; Debian's is where an ordinary PATH does not look."""
    return shutil.which("dnsmasq", path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")


class Dnsmasq:
    """Answers with `hosts`, valid for one second; without one there is no such name. Nothing answers before `start`
    and after `stop`."""

    def __init__(self, directory, name, *hosts):
        self._hosts_file, self._log_file = directory / "hosts", directory / "dnsmasq.log"
        self._name, self._port, self._process = name, free_port(), None
        self.address = f"127.0.0.1:{self._port}"
        self.change(*hosts)

    def start(self):
        with open(self._log_file, "wb") as log:
            self._process = subprocess.Popen(
                [program(), "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-",
                 f"--port={self._port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
                 f"--addn-hosts={self._hosts_file}", f"--local=/{self._name}/", "--local-ttl=1",
                 # Of root it would become another account, to which pytest's directory is closed.
                 *([] if os.getuid() else ["--user=root", "--group=root"])],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: b" read " in self._log_file.read_bytes() or self._process.poll() is not None, 10, "dnsmasq")
        assert self._process.poll() is None, self._log_file.read_text()
        return self

    def change(self, *hosts):
        self._hosts_file.write_text("".join(f"{host} {self._name}\n" for host in hosts))
        if self._process:
            self._process.send_signal(signal.SIGHUP)

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None
