"""Addresses that a command listens on."""

import ipaddress

import typer


def warn_if_reachable(host: str) -> None:
    """Warns where other machines may reach what listens on an address."""
    if not _is_loopback(host):
        typer.echo(
            f"warning: {host} may be reached from other machines, without TLS or "
            "authentication",
            err=True,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
