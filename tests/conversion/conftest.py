"""What the tests of conversion share."""

from pathlib import Path

import pytest

from tf_edgeconnect.conversion.pth import read_checkpoint
from tf_edgeconnect.errors import InputError


@pytest.fixture
def refusal():
    """Reads a checkpoint that must be refused; gives the line, which names the file."""

    def refused(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            read_checkpoint(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert message.isprintable() and len(message) < 500
        return message

    return refused
