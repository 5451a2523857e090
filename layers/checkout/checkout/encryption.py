"""Secrets as the table holds them: encrypted by KMS, each for its own place.

Whoever reads the table reads no secret, and a encrypted one that is moved elsewhere does not open.
"""

import base64
from functools import lru_cache
from typing import Any

import boto3

from checkout.aws import CLIENT_CONFIG
from checkout.settings import IN_LAMBDA, settings

CACHED_SECRETS = 1024
"""How many opened secrets a process remembers, so that a call to KMS is paid once for each."""


def encrypt(plain: str, *, encryption_context: str) -> str:
    """`plain`, at most 4,096 bytes, encrypted by KMS. `encryption_context` is the owner's id."""
    answer = open_kms().encrypt(
        KeyId=settings().secrets_key,
        Plaintext=plain.encode(),
        EncryptionContext={"for": encryption_context},
    )
    return base64.b64encode(answer["CiphertextBlob"]).decode()


@lru_cache(maxsize=CACHED_SECRETS)
def decrypt(encrypted: str, *, encryption_context: str) -> str:
    """What was encrypted for `encryption_context`. Raises KMS's ClientError for anything else."""
    answer = open_kms().decrypt(
        KeyId=settings().secrets_key,
        CiphertextBlob=base64.b64decode(encrypted),
        EncryptionContext={"for": encryption_context},
    )
    plain: bytes = answer["Plaintext"]
    return plain.decode()


@lru_cache(maxsize=1)
def open_kms() -> Any:
    return boto3.client("kms", config=CLIENT_CONFIG)


if IN_LAMBDA:
    open_kms()
