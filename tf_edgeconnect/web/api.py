"""`POST /api/v1/inpaint`, for programs: fills as `tf-edgeconnect inpaint` does."""

import tempfile
import threading
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.files import fill_file
from tf_edgeconnect.photos.jobs import Job

FILES = ("photo", "mask", "edges")


class Api:
    """The endpoint.

    Args:
        inpainter: fills the photos.
        running: is held while it does.
    """

    def __init__(self, inpainter: Inpainter, running: threading.Lock) -> None:
        self._inpainter, self._running = inpainter, running

    async def inpaint(self, request: Request) -> Response:
        """Answers a form of files with a PNG: the photo, its hole filled."""
        kind = request.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            raise InputError(
                f"expected multipart/form-data (curl -F photo=@FILE), got {kind!r:.60}"
            )

        async def body() -> Message:
            return {"type": "http.request", "body": request.state.body}

        async with Request(request.scope, body).form(max_files=3) as form:
            return await run_in_threadpool(self._fill_files, form)

    def _fill_files(self, form: FormData) -> Response:
        files = {k: v for k, v in form.items() if isinstance(v, UploadFile)}
        if not {"photo", "mask"} <= files.keys() == set(form) <= {*FILES}:
            raise InputError(
                "expected a form of the files photo, mask and optionally edges (curl "
                f"-F photo=@FILE), got files {sorted(files)} of {sorted(form)}"
            )
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: Path(folder, name) for name in files}
            for name, path in paths.items():
                path.write_bytes(files[name].file.read())
            job = Job(output=Path(folder, "filled.png"), **paths)
            try:
                with self._running:
                    fill_file(self._inpainter, job)
            except InputError as error:
                message = error.message
                for name, path in paths.items():
                    message = message.replace(str(path), files[name].filename or name)
                raise InputError(message) from None
            return Response(job.output.read_bytes(), media_type="image/png")
