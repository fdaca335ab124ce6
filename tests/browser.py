"""A headless Chromium, driven through a pipe: what a test needs of a page. And a model served to it, with what one does
on its page. Knows no test."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")
ALONE = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-background-networking")


class Browser:
    """One page. requests: every address that it asked for."""

    def __init__(self, sends: int, hears: int) -> None:
        self.sends, self.hears = os.fdopen(sends, "wb", buffering=0), os.fdopen(hears, "rb", buffering=0)
        self.number, self.session, self.rest = 0, "", b""
        self.requests: list[str] = []
        self.said: list[str] = []

    def call(self, method: str, **params: Any) -> Any:
        """Return what a command of the DevTools protocol answers."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        self.sends.write(json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self.number:
                assert "error" not in told, told
                return told["result"]

    def _next(self) -> Any:
        while b"\0" not in self.rest:
            self.rest += self.hears.read(1 << 16) or b""
        line, _, self.rest = self.rest.partition(b"\0")
        told = json.loads(line)
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["params"]["request"]["url"])
        if told.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
            self.said.append(json.dumps(told["params"])[:500])
        return told

    def open(self, url: str, **headers: str) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        if headers:
            self.call("Network.setExtraHTTPHeaders", headers={n.replace("_", "-"): v for n, v in headers.items()})
        self.call("Page.navigate", url=url)

    def run(self, code: str) -> Any:
        """Return the value of an expression in the page, of a promise what it becomes."""
        told = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait(self, code: str, seconds: float = 30) -> Any:
        """Return the value of an expression once it is true."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if value := self.run(code):
                return value
            time.sleep(0.1)
        raise TimeoutError(f"{code} did not become true; the page says: {self.run('document.body.innerText')}")

    def look(self, path: Path, width: int, height: int = 0, dark: bool = False) -> None:
        """Write a picture of the page at this width."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)
        for tall in (900, height or 0):  # of all its height, once it is laid out
            tall = tall or int(self.run("document.documentElement.scrollHeight"))
            self.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=tall, deviceScaleFactor=1, mobile=width < 500
            )
        time.sleep(0.3)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def open_browser(*flags: str) -> Iterator[Browser]:
    """Start it. flags: further ones of its command line."""
    (read_by, sends), (hears, written_by) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        words = [str(CHROMIUM), *FLAGS, *ALONE, *flags, f"--user-data-dir={home}"]
        script = f'exec "$@" 3<&{read_by} 4>&{written_by}'
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", *words], pass_fds=(read_by, written_by), stderr=subprocess.DEVNULL
        )
        os.close(read_by)
        os.close(written_by)
        browser = Browser(sends, hears)
        try:
            yield browser
        finally:
            browser.session = ""
            browser.call("Browser.close")
            process.wait(20)
            browser.sends.close()
            browser.hears.close()


@contextmanager
def serving(model: Any) -> Iterator[str]:
    """Serve a model in this process, and give its address."""
    import uvicorn

    from plait import serve

    server = uvicorn.Server(uvicorn.Config(serve(model), log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as bound:
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


def drop(place: int, path: Path) -> str:
    """Return the code that drops a file on a zone of the page."""
    content = base64.b64encode(path.read_bytes()).decode()
    return f"""(() => {{ const given = new DataTransfer();
        given.items.add(new File([bytesOf("{content}")], "{path.name}"));
        document.querySelectorAll(".drop")[{place}].dispatchEvent(
            new DragEvent("drop", {{ dataTransfer: given, bubbles: true, cancelable: true }})); }})()"""


def tick(without: tuple[str, ...]) -> str:
    """Return the code that ticks these modalities as missing, and gives what the page then says."""
    return f"""(() => {{ const gone = {json.dumps(without)};
        for (const box of document.querySelectorAll("#ticks input"))
            if (box.checked !== gone.includes(box.value)) box.click();
        return [document.getElementById("answer").firstChild.textContent.trim(),
            Object.fromEntries([...document.querySelectorAll("#chances > span:nth-child(3n+1)")].map(
                (name, i) => [name.textContent,
                    document.querySelectorAll("#chances > span:nth-child(3n)")[i].textContent]))]; }})()"""
