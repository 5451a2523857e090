"""The key that seals secrets: moto's KMS with a key of this machine's own.

moto makes a new key each time it starts. What a durable table holds has to open after a restart,
so the key's id and material are kept in a file beside the table's.
"""

import json
from pathlib import Path
from typing import Any

from moto.kms.models import kms_backends

from devstack.files import write_whole
from devstack.template import ACCOUNT

SECRETS_KEY = "SecretsKey"
"""The key's logical id in template.yaml."""


def create_key(client: Any, file: Path | None = None) -> str:
    """Create the KMS key, or the one in `file` again; answers its id."""
    made = str(client.create_key(Description="devstack")["KeyMetadata"]["KeyId"])
    if file is None:
        return made
    keys = kms_backends[ACCOUNT][client.meta.region_name].keys
    if not file.exists():
        kept = {"id": made, "material": keys[made].key_material.hex()}
        write_whole(file, json.dumps(kept))
        return made
    kept = json.loads(file.read_text("utf-8"))
    key = keys.pop(made)
    key.arn = key.arn.replace(made, kept["id"])
    key.id, key.key_material = kept["id"], bytes.fromhex(kept["material"])
    keys[key.id] = key
    return str(key.id)
