"""The one certificate of the test helpers, and the two ``ssl`` contexts made from it.

Rule 1: certificate and key are fixed and public. The certificate is self-signed, names ``localhost``,
        ``127.0.0.1`` and ``::1`` and is valid from 2020 to 2120. It protects nothing, because everybody has
        its key. Never trust it outside a test.
Rule 2: nothing is generated at run time, so no ``openssl`` command is needed. ``ssl`` is imported only when
        a context is made.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBtTCCAVygAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9yZXNwb29s
LnRlc3RpbmcwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD3Jlc3Bvb2wudGVzdGluZzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BD7RSnkFZqvfDsanON5dvXyUuH6Hf+4JDowGNh7UAVZAS856ZrIaSXtSFNkqgc/3
8FS9eTaYQNObXxY2QIUB1XKjgZAwgY0wLAYDVR0RBCUwI4IJbG9jYWxob3N0hwR/
AAABhxAAAAAAAAAAAAAAAAAAAAABMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/
BAQDAgKEMB0GA1UdJQQWMBQGCCsGAQUFBwMBBggrBgEFBQcDAjAdBgNVHQ4EFgQU
vntzW7ZG9uF9s5M+X72S7I4M6WgwCgYIKoZIzj0EAwIDRwAwRAIgQ9hyK2g3Ba72
rdcn7kLCiBimMrEi64RSfxPvabSddh0CIFt2rB8tI/bzn1FX2/HzRPlqCExRCiNu
qfBd0iMCBUyG
-----END CERTIFICATE-----
"""

# A public test key (see Rule 1): a secret scanner that reports it can ignore it.
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgx5SyTiRDLcSd8RA8
jHU3NPBzBOicqfEco5bGSx3o1PyhRANCAAQ+0Up5BWar3w7GpzjeXb18lLh+h3/u
CQ6MBjYe1AFWQEvOemayGkl7UhTZKoHP9/BUvXk2mEDTm18WNkCFAdVy
-----END PRIVATE KEY-----
"""


def write_pair(directory: Path) -> tuple[Path, Path]:
    """Write certificate and key as ``cert.pem`` and ``key.pem`` into a directory and return both paths."""
    cert_file, key_file = directory / "cert.pem", directory / "key.pem"
    cert_file.write_text(CERTIFICATE)
    key_file.write_text(KEY)
    return cert_file, key_file


def client_context() -> ssl.SSLContext:
    """Make a client context that trusts the test certificate and nothing else, and checks host names."""
    import ssl

    return ssl.create_default_context(cadata=CERTIFICATE)


def server_context() -> ssl.SSLContext:
    """Make a server context that presents the test certificate."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # load_cert_chain reads files only.
    with tempfile.TemporaryDirectory(prefix="respool-") as directory:
        context.load_cert_chain(*write_pair(Path(directory)))
    return context
