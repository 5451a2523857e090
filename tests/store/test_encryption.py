"""Secrets are encrypted in the table, each for its owner."""

import os
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from moto.kms.models import kms_backends

from checkout.encryption import decrypt, encrypt
from devstack.stack import Stack
from devstack.template import ACCOUNT, REGION
from tests.world import World

SECRET = "whsec_" + "A" * 44


def test_a_secret_is_decrypted_for_its_owner(world: World) -> None:
    encrypted = encrypt(SECRET, encryption_context="we_1")
    assert SECRET not in encrypted
    assert decrypt(encrypted, encryption_context="we_1") == SECRET


def test_a_secret_is_not_decrypted_for_another_owner(world: World) -> None:
    encrypted = encrypt(SECRET, encryption_context="we_1")
    with pytest.raises(ClientError):
        decrypt(encrypted, encryption_context="we_2")


def test_a_secret_is_encrypted_differently_each_time(world: World) -> None:
    assert encrypt(SECRET, encryption_context="we_1") != encrypt(SECRET, encryption_context="we_1")


def test_the_next_devstack_decrypts_what_the_previous_one_encrypted(tmp_path: Path) -> None:
    context = {"for": "we_1"}
    with Stack(engine="dynoxide", data=tmp_path) as stack:
        key = os.environ["SECRETS_KEY"]
        encrypted = stack.engine.client("kms").encrypt(
            KeyId=key, Plaintext=SECRET.encode(), EncryptionContext=context
        )["CiphertextBlob"]
    kms_backends[ACCOUNT][REGION].keys.pop(key, None)  # as the end of its process does

    with Stack(engine="dynoxide", data=tmp_path) as stack:
        assert os.environ["SECRETS_KEY"] == key
        decrypted = stack.engine.client("kms").decrypt(
            CiphertextBlob=encrypted, EncryptionContext=context
        )
        assert decrypted["Plaintext"] == SECRET.encode()
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
