"""KMS: the key that encrypts webhook secrets, in moto.

moto makes a new key each time it starts. A durable table has secrets that have to be decrypted
after a restart, so the key's id and material are kept in a file in the data folder.
"""

import json
from pathlib import Path
from typing import Any

from moto.kms.models import kms_backends

from devstack.files import replace_file
from devstack.template import ACCOUNT

SECRETS_KEY = "SecretsKey.Arn"
"""The name of the key's ARN in template.yaml. KMS takes the id as well."""


def create_key(client: Any, file: Path | None = None) -> str:
    """Create the KMS key and return its id. If `file` exists, the key is the one kept there."""
    created = str(client.create_key(Description="devstack")["KeyMetadata"]["KeyId"])
    if file is None:
        return created
    keys = kms_backends[ACCOUNT][client.meta.region_name].keys
    if not file.exists():
        kept = {"id": created, "material": keys[created].key_material.hex()}
        replace_file(file, json.dumps(kept))
        return created
    kept = json.loads(file.read_text("utf-8"))
    key = keys.pop(created)
    key.arn = key.arn.replace(created, kept["id"])
    key.id, key.key_material = kept["id"], bytes.fromhex(kept["material"])
    keys[key.id] = key
    return str(key.id)
