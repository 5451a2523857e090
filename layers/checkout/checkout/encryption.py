"""Encryption of merchants' secrets in the table, by KMS: webhook secrets and processors' keys.

Each is bound to its owner by KMS's encryption context, so one that is copied to another owner can't
be decrypted there. The secrets of a single session, such as its page's address, are in plain text
(docs/decisions/2026-11-21-what-is-encrypted.md).
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING

import boto3

from checkout.aws import CLIENT_CONFIG
from checkout.settings import IN_LAMBDA, settings

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

CACHED_SECRETS = 1024
"""How many decrypted secrets a process keeps, so that each costs one call to KMS."""


def encrypt(plain: str, *, encryption_context: str) -> str:
    """`plain`, at most 4,096 bytes, encrypted. `encryption_context` is the owner's id."""
    answer = open_kms().encrypt(
        KeyId=settings().secrets_key,
        Plaintext=plain.encode(),
        EncryptionContext={"for": encryption_context},
    )
    return base64.b64encode(answer["CiphertextBlob"]).decode()


@lru_cache(maxsize=CACHED_SECRETS)
def decrypt(encrypted: str, *, encryption_context: str) -> str:
    """The secret that was encrypted for this owner. Raises KMS's ClientError for anything else."""
    answer = open_kms().decrypt(
        KeyId=settings().secrets_key,
        CiphertextBlob=base64.b64decode(encrypted),
        EncryptionContext={"for": encryption_context},
    )
    return answer["Plaintext"].decode()


@lru_cache(maxsize=1)
def open_kms() -> KMSClient:
    return boto3.client("kms", config=CLIENT_CONFIG)


if IN_LAMBDA:
    open_kms()
