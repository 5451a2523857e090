"""Signatures, verified as the receiver's documentation says."""

import base64
import hashlib
import hmac

from checkout.webhooks.signing import new_secret, paygate_headers

BODY = '{"id":"evt_1","name":"Ama Ⓐ"}'.encode()


def test_paygates_signature_covers_time_and_body_under_the_whole_secret() -> None:
    secret = new_secret()

    header = paygate_headers([secret], "evt_1", BODY, 1_800_000_000)["X-PayGate-Signature"]

    expected = hmac.new(secret.encode(), b"1800000000." + BODY, hashlib.sha256).hexdigest()
    assert header == f"t=1800000000,v1={expected}"


def test_the_standard_webhooks_signature_is_under_the_decoded_secret() -> None:
    secret = new_secret()

    headers = paygate_headers([secret], "evt_1", BODY, 1_800_000_000)

    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = hmac.new(key, b"evt_1.1800000000." + BODY, hashlib.sha256).digest()
    assert headers["webhook-id"] == "evt_1"
    assert headers["webhook-timestamp"] == "1800000000"
    assert headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()


def test_each_secret_is_new_and_long_enough() -> None:
    first, second = new_secret(), new_secret()

    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
