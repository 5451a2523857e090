"""Serves moto's SQS and KMS on a port, for functions that run in containers.

Also looked at: moto's own server, which needs Flask and calls moto without the lock of `MotoCalls`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from devstack.engines.moto_calls import MotoCalls
from devstack.http_messages import Request, Response
from devstack.http_server import Server
from devstack.template import REGION

# By the prefix of a call's X-Amz-Target.
_SERVICES = {"AmazonSQS": "sqs", "TrentService": "kms"}

# boto3 reads the code of an SQS error from the second.
_RESPONSE_HEADERS = ("content-type", "x-amzn-query-error")


@contextmanager
def serving(calls: MotoCalls, host: str) -> Iterator[int]:
    """Serve SQS and KMS on a free port of `host`, and yield the port.

    Calls of other services get status 400.
    """
    with Server(host, 0, partial(forward, calls)) as server:
        server.start()
        yield server.port


def forward(calls: MotoCalls, request: Request) -> Response:
    """moto's answer to a call of SQS or KMS."""
    headers = HTTPHeaders.from_pairs(request.headers)
    target = headers.get("x-amz-target", "")
    service = _SERVICES.get(target.partition(".")[0])
    if service is None:
        return _refuse("neither SQS nor KMS")
    url = f"https://{service}.{REGION}.amazonaws.com/"
    answer = calls.process(AWSPreparedRequest("POST", url, headers, request.body, False))
    if answer is None:
        return _refuse("unknown")
    status, given, body = answer
    content = body.encode() if isinstance(body, str) else body
    kept = [(name, text) for name, text in given.items() if name.lower() in _RESPONSE_HEADERS]
    return Response(status, tuple(kept), content)


def _refuse(message: str) -> Response:
    return Response.from_json(400, {"__type": "InvalidAction", "message": message})
