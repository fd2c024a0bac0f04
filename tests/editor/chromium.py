"""Drives headless Chromium by its DevTools protocol, over a pipe: no package needed."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "needs Chromium, which is not here (Debian, Ubuntu: apt install chromium)"
SECONDS = 90.0  # until something is given up
# Chromium reads commands on file descriptor 3 and answers on 4.
TO_PIPE = "import os, sys; a = sys.argv; os.dup2(int(a[1]), 3); os.dup2(int(a[2]), 4); "
TO_PIPE += "os.execvp(a[3], a[3:])"
OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # of use against strange pages; this one is ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "about:blank",
)


def find_chromium() -> str | None:
    """The program, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of a browser of its own.

    Args:
        downloads: folder for what the page gives.
        size: width and height of what is seen, pixels.

    Attributes:
        requests: addresses that the page has asked for.
        faults: what its console holds of errors.
    """

    def __init__(self, downloads: Path, size: tuple[int, int] = (1280, 820)) -> None:
        self._downloads = downloads
        self.requests: list[str] = []
        self.faults: list[str] = []
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session = None
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands, self._in = os.pipe()
        self._out, answers = os.pipe()
        wrapper = [sys.executable, "-c", TO_PIPE, str(commands), str(answers)]
        program = [find_chromium(), f"--user-data-dir={self._profile.name}", *OPTIONS]
        self._process = subprocess.Popen(
            [*wrapper, *program],
            pass_fds=(commands, answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "DOM", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads)
        )

    def call(self, method: str, **params) -> dict:
        """Calls a method of the protocol and returns its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def run(self, script: str):
        """Runs JavaScript, awaits it and returns its value."""
        result = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, condition: str) -> None:
        """Returns when a JavaScript expression is true."""
        end = time.monotonic() + SECONDS
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(f"{condition}; page says {self.faults}")
            time.sleep(0.05)

    def open(self, address: str) -> None:
        """Goes to an address."""
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def click(self, selector: str) -> None:
        """Clicks the middle of an element."""
        box = self.box(selector)
        self.drag([(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)])

    def box(self, selector: str) -> dict[str, float]:
        """Where an element is seen."""
        element = f"document.querySelector({json.dumps(selector)})"
        return self.run(
            f"{element}.scrollIntoView({{block: 'nearest'}}),"
            f"{element}.getBoundingClientRect().toJSON()"
        )

    def drag(self, points: list[tuple[float, float]], on_move=lambda: None) -> None:
        """Presses the mouse at the first point and lets it go at the last."""
        self._mouse("mouseMoved", points[0])
        self._mouse("mousePressed", points[0])
        for point in points[1:]:
            self._mouse("mouseMoved", point)
            on_move()
        self._mouse("mouseReleased", points[-1])

    def give(self, selector: str, path: Path) -> None:
        """Puts a file into a file input, even if it was the last one there."""
        self.run(f"document.querySelector({json.dumps(selector)}).value = ''")
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def downloaded(self, name: str) -> bytes:
        """Waits for a file that the page gives, and takes it away."""
        path = self._downloads / name
        end = time.monotonic() + SECONDS
        while not path.exists():
            if time.monotonic() > end:
                raise TimeoutError(f"{name} was not downloaded")
            time.sleep(0.05)
        data = path.read_bytes()
        path.unlink()
        return data

    def picture(self) -> bytes:
        """A PNG of what is seen."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def close(self) -> None:
        """Ends the browser."""
        self._process.terminate()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _mouse(self, kind: str, point: tuple[float, float]) -> None:
        moved = kind == "mouseMoved"
        self.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=point[0],
            y=point[1],
            button="none" if moved else "left",
            buttons=1,
            clickCount=0 if moved else 1,
        )

    def _receive(self) -> dict:
        while b"\0" not in self._rest:
            data = os.read(self._out, 2**20)
            if not data:
                raise RuntimeError("Chromium has ended")
            self._rest += data
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event: dict) -> None:
        params = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        if event["method"] == "Runtime.exceptionThrown":
            self.faults.append(str(params["exceptionDetails"]))
        if event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.faults.append(params["entry"]["text"])
