"""nginx started as the official image starts it: its entry point, step by step, with the files mounted as Deployment and
nginx/packaging say."""

import contextlib
import os
import shutil
import subprocess

import pytest

from harness.nginx import answers, free_port, program, render
from harness.stack import REPOSITORY, environment_with
from harness.waiting import wait_for
from harness.wire import API

STEPS = REPOSITORY / "Tests/Install/image-entrypoint"
# As the compose file and the Kubernetes manifests set it.
FILTER = "^(NOVATUNE|RENDER)_"


class Image:
    """The directories of the image that matter, below one: /etc/nginx is the directory itself."""

    def __init__(self, stack, directory):
        self.directory, self.port = directory, free_port()
        for name in ("conf.d", "run", "cache", "docker-entrypoint.d"):
            (directory / name).mkdir()
        shutil.copy(STEPS / "nginx.conf", directory)
        # Mounted.
        shutil.copytree(REPOSITORY / "nginx/templates", directory / "templates")
        shutil.copytree(REPOSITORY / "nginx/include", directory / "novatune")
        shutil.copy(REPOSITORY / "nginx/settings.envsh", self.entry("15-novatune.envsh"))
        # The image's own.
        for name in ("15-local-resolvers.envsh", "20-envsubst-on-templates.sh"):
            shutil.copy(STEPS / name, self.entry(name))
        self.settings = {
            "NOVATUNE_NGINX_LISTEN": f"127.0.0.1:{self.port}",
            "NOVATUNE_NGINX_STREAM_SOCKETS": stack["STREAM_SOCKET"],
            "NOVATUNE_NGINX_GATE_SOCKETS": stack["GATE_SOCKET"],
            "NOVATUNE_NGINX_ACCESS_LOG": f"{directory}/access.log", "NOVATUNE_NGINX_ERROR_LOG": "stderr",
            "NOVATUNE_NGINX_PLAYER_ROOT": f"{REPOSITORY}/nginx/html",
            "NOVATUNE_S3_ENDPOINT": stack["S3_ENDPOINT"],
        }

    def entry(self, name):
        return self.directory / "docker-entrypoint.d" / name

    def command(self, *arguments, **changes):
        """The entry point's command line, and its environment."""
        environment = environment_with(**self.settings | changes) | {
            "ENTRYPOINT_DIRECTORY": str(self.directory / "docker-entrypoint.d"),
            "NGINX_ENVSUBST_TEMPLATE_DIR": str(self.directory / "templates"),
            "NGINX_ENVSUBST_OUTPUT_DIR": str(self.directory / "conf.d"), "NGINX_ENVSUBST_FILTER": FILTER,
        } | {name: value for name, value in changes.items() if not name.startswith("NOVATUNE_")}
        nginx = [program(), "-p", f"{self.directory}/", "-c", f"{self.directory}/nginx.conf", "-e", "stderr"]
        return ["sh", STEPS / "entrypoint", *nginx, *arguments], environment

    def run(self, *arguments, **changes):
        line, environment = self.command(*arguments, **changes)
        return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=30)

    @contextlib.contextmanager
    def started(self, **changes):
        # The stack's sockets are its account's alone.
        account = "user root;" if os.geteuid() == 0 else ""
        line, environment = self.command("-g", f"daemon off; {account}", **changes)
        with open(self.directory / "output", "wb") as output:
            process = subprocess.Popen(
                line, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: answers(self.port) or process.poll() is not None, 10, "nginx")
            assert process.poll() is None, (self.directory / "output").read_text()
            yield API(f"http://127.0.0.1:{self.port}")
        finally:
            process.terminate()
            process.wait(10)

    def written(self):
        return {path.name: path.read_text() for path in (self.directory / "conf.d").iterdir()}


@pytest.fixture
def image(stack, tmp_path):
    directory = tmp_path / "image"
    directory.mkdir()
    return Image(stack, directory)


def test_listener_gets_a_url(image, user, track):
    with image.started() as api:
        assert api.stream(track.id, user.token).status == 200
        assert api.stream(track.id, "garbage").status == 401


def test_configuration_is_that_of_render(stack, image, tmp_path):
    assert image.run("-t").returncode == 0
    (tmp_path / "rendered").mkdir()
    settings = {
        name.removeprefix("NOVATUNE_NGINX_"): value for name, value in image.settings.items()
        if name.startswith("NOVATUNE_NGINX_")}
    rendered = render(stack, tmp_path / "rendered", NOVATUNE_S3_ENDPOINT=stack["S3_ENDPOINT"], **settings)
    assert rendered.returncode == 0, rendered.stderr
    expected = {path.name: path.read_text() for path in (tmp_path / "rendered/conf.d").iterdir()}
    assert image.written() == expected


def test_second_start_of_a_container_changes_nothing(image):
    assert image.run("-t").returncode == 0
    first = image.written()
    assert image.run("-t").returncode == 0
    assert image.written() == first


def test_setting_with_lines_of_its_own_is_replaced_as_a_whole(image):
    done = image.run(
        "-t", NOVATUNE_NGINX_CORS_ORIGINS="https://a.example https://b.example",
        NOVATUNE_NGINX_OPERATIONS_ALLOW="10.0.0.0/8 192.0.2.1")
    assert done.returncode == 0, done.stderr
    assert 'a\\.example' in image.written()["cors.inc"] and 'b\\.example' in image.written()["cors.inc"]


def test_filter_keeps_the_variables_of_nginx(image):
    """Kubernetes and shells put names of their own into the environment."""
    assert image.run("-t").returncode == 0
    before = image.written()
    done = image.run("-t", host="evil.example", status="200", http_origin="https://evil.example", uri="/")
    assert done.returncode == 0, done.stderr
    assert image.written() == before


def test_bad_setting_ends_the_start_with_its_name(image):
    done = image.run("-g", "daemon off;", NOVATUNE_RATE_LIMIT_PER_MINUTE="sixty")
    assert done.returncode != 0 and "NOVATUNE_RATE_LIMIT_PER_MINUTE" in done.stderr
    assert image.written() == {}


def test_settings_file_that_is_not_executable_does_not_start_nginx(image):
    image.entry("15-novatune.envsh").chmod(0o644)
    done = image.run("-t")
    assert done.returncode != 0 and "15-novatune.envsh is not executable" in done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_directory_that_cannot_be_written_is_named(image):
    (image.directory / "conf.d").chmod(0o555)
    assert "is not writable" in image.run("-t").stdout


def test_other_commands_of_the_image_are_run_without_a_configuration(image):
    line, environment = image.command()
    done = subprocess.run(
        [*line[:2], "printenv", "NGINX_ENVSUBST_FILTER"], env=environment, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, f"{FILTER}\n") and image.written() == {}
