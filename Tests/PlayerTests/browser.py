"""Chromium and Firefox, each driven by WebDriver BiDi (W3C, https://www.w3.org/TR/webdriver-bidi/)."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import websocket

import loudspeaker
from harness.nginx import free_port
from harness.waiting import wait_for

FIREFOX_SETTINGS = {
    # Seconds of audio that it reads ahead, and below which it reads again. As shipped, 60 and 30: a URL would be
    # replaced once in 30 s.
    "media.cache_readahead_limit": 8, "media.cache_resume_threshold": 4,
    "media.autoplay.default": 0, "media.autoplay.blocking_policy": 0, "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False, "toolkit.telemetry.enabled": False,
    "browser.shell.checkDefaultBrowser": False, "app.normandy.enabled": False, "network.captive-portal-service.enabled":
    False, "network.connectivity-service.enabled": False, "services.settings.server": "data:,",
    "extensions.update.enabled": False, "browser.safebrowsing.update.enabled": False,
}


class ScriptFailed(Exception):
    pass


class Browser:
    """Without a window, with sound; `environment` names the sound server."""

    def __init__(self, environment):
        self._profile = Path(tempfile.mkdtemp(prefix="browser-", dir="/tmp"))
        self._count = 0
        self._process = None
        self._socket = websocket.create_connection(self._start(environment), timeout=60, suppress_origin=True)

    def _run(self, *command, environment):
        with (self._profile / "log").open("wb") as log:
            # Before all else that runs here: late sound is lost, and would count as the player's fault.
            self._process = subprocess.Popen(
                [*loudspeaker.AHEAD, *command], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)

    def _log(self):
        return (self._profile / "log").read_text(errors="replace")

    def __call__(self, command, /, **parameters):
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": command, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._count:
                if answer["type"] == "error":
                    raise RuntimeError(f"{command}: {answer['message']}")
                return answer["result"]

    def open(self, url):
        context = self("browsingContext.create", type="tab")["context"]
        self("browsingContext.navigate", context=context, url=url, wait="complete")
        return Tab(self, context)

    def send(self, number):
        """A signal to all its processes."""
        os.killpg(self._process.pid, number)

    def memory(self):
        """Bytes of all its processes that it shares with no other program."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/smaps_rollup"):
            try:
                command = (status.parent / "cmdline").read_bytes()
                if str(self._profile).encode() in command or os.getpgid(int(status.parent.name)) == self._process.pid:
                    total += sum(int(line.split()[1]) << 10 for line in status.read_text().splitlines()
                        if line.startswith(("Private_Clean", "Private_Dirty")))
            except (OSError, ProcessLookupError):
                # It has ended meanwhile.
                continue
        return total

    def close(self):
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)


class Chromium(Browser):
    name = "chromium"
    # Frames: a late thread on a busy machine is no fault of the player.
    arguments = ("--audio-buffer-size=8192", "--autoplay-policy=no-user-gesture-required")
    missing = next((name for name in ("chromium", "chromedriver") if not shutil.which(name)), None)

    def _start(self, environment):
        port = free_port()
        self._run("chromedriver", f"--port={port}", environment=environment)
        wait_for(lambda: "started successfully" in self._log(), 30, "chromedriver")
        options = {
            "args": [
                "--headless=new", "--no-sandbox",
                f"--user-data-dir={self._profile}/profile", "--disable-background-networking",
                "--disable-component-update",
                *self.arguments],
            "excludeSwitches": ["mute-audio"]}
        wanted = {"capabilities": {"alwaysMatch": {"webSocketUrl": True, "goog:chromeOptions": options}}}
        self._driver = f"http://127.0.0.1:{port}/session"
        request = urllib.request.Request(
            self._driver, json.dumps(wanted).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            session = json.load(answer)["value"]
        self._driver += "/" + session["sessionId"]
        return session["capabilities"]["webSocketUrl"]

    def close(self):
        urllib.request.urlopen(urllib.request.Request(self._driver, method="DELETE"), timeout=30).close()
        super().close()


class ChromiumAsShipped(Chromium):
    """With the audio buffer that listeners have: what starts, starts as soon as there."""

    arguments = ("--autoplay-policy=no-user-gesture-required",)


class ChromiumThatAsks(Chromium):
    """Plays nothing before a gesture of the user, as shipped."""

    arguments = ("--autoplay-policy=document-user-activation-required",)


class ChromiumByDevTools(Browser):
    """By its own protocol alone (https://chromedevtools.github.io/devtools-protocol/), which ends workers and freezes
    tabs: chromedriver attaches to workers, and keeps those waiting that the browser starts again."""

    name, missing = "chromium", Chromium.missing

    def _start(self, environment):
        port = free_port()
        self._run(
            "chromium", "--headless=new", "--no-sandbox", f"--user-data-dir={self._profile}/profile",
            f"--remote-debugging-port={port}", "--disable-background-networking", "--disable-component-update",
            *Chromium.arguments, environment=environment)
        wait_for(lambda: "DevTools listening on" in self._log(), 30, "Chromium")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/version", timeout=30) as answer:
            return json.load(answer)["webSocketDebuggerUrl"]

    def __call__(self, command, session=None, /, **parameters):
        self._count += 1
        of_session = {"sessionId": session} if session else {}
        self._socket.send(json.dumps({"id": self._count, "method": command, "params": parameters} | of_session))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{command}: {answer['error']['message']}")
                return answer["result"]

    def open(self, url):
        target = self("Target.createTarget", url=url)["targetId"]
        return ProtocolTab(self, target, self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])


class ProtocolTab:
    def __init__(self, browser, target, session):
        self._browser, self._target, self._session = browser, target, session

    def run(self, script, *arguments, is_gesture=False):
        """As `Tab.run`."""
        expression = f"(async (given) => JSON.stringify(await (async () => {{ {script} }})()))({json.dumps(arguments)})"
        answer = self._browser(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, userGesture=is_gesture)
        if "exceptionDetails" in answer:
            raise ScriptFailed(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value") or "null")

    def stop_workers(self):
        """As the browser does after some minutes, or where memory is short."""
        for command in ("ServiceWorker.enable", "ServiceWorker.stopAllWorkers"):
            self._browser(command, self._session)

    def freeze(self):
        """As the browser does with a tab that has been behind another one for minutes (Page Lifecycle,
        https://wicg.github.io/page-lifecycle/)."""
        self._in_front = self._browser("Target.createTarget", url="about:blank")["targetId"]
        wait_for(lambda: self.run("return document.hidden"), 20, "another tab in front")
        self._browser("Page.setWebLifecycleState", self._session, state="frozen")

    def thaw(self):
        """As the browser does when the user comes back."""
        self._browser("Page.setWebLifecycleState", self._session, state="active")
        self._browser("Target.closeTarget", targetId=self._in_front)
        self._browser("Page.bringToFront", self._session)
        wait_for(lambda: not self.run("return document.hidden"), 20, "the tab in front")

    def close(self):
        self._browser("Target.closeTarget", targetId=self._target)


class Firefox(Browser):
    name = "firefox"
    settings = FIREFOX_SETTINGS
    _program = shutil.which("firefox-esr") or shutil.which("firefox")
    missing = None if _program else "firefox-esr"

    def __init__(self, environment):
        super().__init__(environment)
        self("session.new", capabilities={})

    def _start(self, environment):
        profile = self._profile / "profile"
        profile.mkdir()
        (profile / "user.js").write_text(
            "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
                for name, value in self.settings.items()))
        port = free_port()
        self._run(
            self._program, "--headless", "--profile", str(profile), "--remote-debugging-port", str(port),
            environment=environment)
        wait_for(lambda: "WebDriver BiDi listening on" in self._log(), 60, "Firefox")
        return f"ws://127.0.0.1:{port}/session"


class FirefoxThatEndsWorkers(Firefox):
    """Ends a worker as soon as it has answered, and may be 200 ms late: its streams go on for as long."""

    settings = FIREFOX_SETTINGS | {"dom.serviceWorkers.idle_timeout": 200, "dom.serviceWorkers.idle_extended_timeout": 200}


def wait_until_still(run):
    """Until a page's first element no longer moves: it has played what it had read."""
    is_still = """
        const audio = document.querySelector('audio');
        const {currentTime} = audio;
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return audio.currentTime === currentTime"""
    wait_for(lambda: run(is_still), 60, "the end of what was read")


class Tab:
    def __init__(self, browser, context):
        self._browser, self.context = browser, context

    def run(self, script, *arguments, is_gesture=False):
        """The value that the body of an async function returns, by way of JSON."""
        function = f"async (...given) => JSON.stringify(await (async (given) => {{ {script} }})(given.map(JSON.parse)))"
        answer = self._browser(
            "script.callFunction", functionDeclaration=function, awaitPromise=True, userActivation=is_gesture,
            arguments=[{"type": "string", "value": json.dumps(argument)} for argument in arguments],
            target={"context": self.context})
        if answer["type"] == "exception":
            raise ScriptFailed(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value") or "null")

    def press(self, key):
        """As a keyboard does; the names are those of WebDriver's keyboard actions."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._browser(
            "input.performActions", context=self.context,
            actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def resize(self, width, height):
        """CSS pixels."""
        self._browser(
            "browsingContext.setViewport", context=self.context, viewport={"width": width, "height": height})

    def freeze(self):
        """Stops all of the browser, as a device that sleeps does."""
        self._browser.send(signal.SIGSTOP)

    def thaw(self):
        self._browser.send(signal.SIGCONT)

    def reload(self):
        self._browser("browsingContext.reload", context=self.context, wait="complete")

    def close(self):
        self._browser("browsingContext.close", context=self.context)


class WebKit:
    """WebKitGTK, by WebDriver (W3C, https://www.w3.org/TR/webdriver2/), in a window of a display without a screen. It
    plays by GStreamer: what holds here need not hold in Safari."""

    name = "webkit"
    _program = next((str(file) for file in Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")), None)
    missing = next((name for name in ("WebKitWebDriver", "Xvfb") if not shutil.which(name)), None) or (
        None if _program else "MiniBrowser of WebKitGTK")

    def __init__(self, environment):
        self._home = Path(tempfile.mkdtemp(prefix="browser-", dir="/tmp"))
        self._screen = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        display = ":" + self._screen.stdout.readline().decode().strip()
        self._port = free_port()
        self._driver = subprocess.Popen(
            [*loudspeaker.AHEAD, "WebKitWebDriver", f"--port={self._port}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env=environment | {"DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1", "XDG_CACHE_HOME": str(self._home),
                "XDG_DATA_HOME": str(self._home)})
        wait_for(self._is_up, 20, "WebKitWebDriver")

    def _is_up(self):
        try:
            return self("GET", "/status")["ready"]
        except OSError:
            return False

    def __call__(self, method, path, **body):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", json.dumps(body).encode() if method == "POST" else None,
            {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as refusal:
            raise RuntimeError(f"{path}: {json.load(refusal)['value']['message']}") from None

    def open(self, url):
        options = {"binary": self._program, "args": ["--automation", "--autoplay-policy=allow"]}
        session = self("POST", "/session", capabilities={"alwaysMatch": {"webkitgtk:browserOptions": options}})
        tab = WebKitTab(self, f"/session/{session['sessionId']}")
        tab("POST", "/timeouts", script=60_000)
        tab("POST", "/url", url=url)
        return tab

    def close(self):
        for process in (self._driver, self._screen):
            process.terminate()
            process.wait(10)
        self._screen.stdout.close()
        shutil.rmtree(self._home, ignore_errors=True)


class WebKitTab:
    def __init__(self, browser, path):
        self._browser, self._path = browser, path

    def __call__(self, method, path, **body):
        return self._browser(method, self._path + path, **body)

    def run(self, script, *arguments, is_gesture=False):
        """As `Tab.run`; it never counts as a gesture."""
        answer = self("POST", "/execute/async", args=[json.dumps(arguments)], script=f"""
            const done = arguments[1], given = JSON.parse(arguments[0]);
            (async () => {{ {script} }})().then(
                (value) => done({{value: JSON.stringify(value)}}), (error) => done({{error: String(error)}}))""")
        if "error" in answer:
            raise ScriptFailed(answer["error"])
        return json.loads(answer.get("value") or "null")

    def press(self, key):
        """As `Tab.press`."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self("POST", "/actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def resize(self, width, height):
        self("POST", "/window/rect", width=width, height=height)

    def reload(self):
        self("POST", "/refresh")

    def close(self):
        self("DELETE", "")
