"""The command `info`."""

from importlib.metadata import version

from tf_edgeconnect.cli.info import EXTRAS
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.version import __version__


def test_info_names_versions_devices_presets_and_extras(capsys):
    assert run(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"tf-edgeconnect {__version__}"
    text = "\n".join(lines)
    assert f"tensorflow {version('tensorflow')}" in text
    assert "devices: CPU with" in text and "GPU: " in text
    assert "presets: small" in text
    assert all(f"\nextra {name}: " in text for name in EXTRAS)


def test_a_missing_package_is_said(monkeypatch, capsys):
    monkeypatch.setitem(EXTRAS, "serving", ("no-such-package",))
    assert run(["info"]) == 0
    assert "extra serving: no-such-package not installed" in capsys.readouterr().out


def test_the_extras_are_those_of_the_package():
    from pathlib import Path

    text = (Path(__file__).parents[2] / "setup.py").read_text()
    for name, packages in EXTRAS.items():
        assert f'"{name}": [' in text
        assert all(
            f'"{package}' in text.replace("pi_heif", "pi-heif") for package in packages
        )
