"""Secrets as the table holds them: sealed by KMS, each for its own place.

Whoever reads the table reads no secret, and a sealed one that is moved elsewhere does not open.
"""

import base64
from functools import lru_cache
from typing import Any

import boto3

from checkout.settings import IN_LAMBDA, settings
from checkout.store.table import CLIENT

OPENED = 1024
"""How many opened secrets a process remembers, so that a call to KMS is paid once for each."""


def seal(plain: str, *, context: str) -> str:
    """`plain`, at most 4,096 bytes, sealed for `context`: an id of what it belongs to."""
    answer = open_kms().encrypt(
        KeyId=settings().secrets_key,
        Plaintext=plain.encode(),
        EncryptionContext={"for": context},
    )
    return base64.b64encode(answer["CiphertextBlob"]).decode()


@lru_cache(maxsize=OPENED)
def unseal(sealed: str, *, context: str) -> str:
    """What was sealed for `context`. Raises KMS's ClientError for anything else."""
    answer = open_kms().decrypt(
        KeyId=settings().secrets_key,
        CiphertextBlob=base64.b64decode(sealed),
        EncryptionContext={"for": context},
    )
    plain: bytes = answer["Plaintext"]
    return plain.decode()


@lru_cache(maxsize=1)
def open_kms() -> Any:
    return boto3.client("kms", config=CLIENT)


if IN_LAMBDA:
    open_kms()
