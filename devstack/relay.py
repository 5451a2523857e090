"""moto's SQS and KMS, which live in this process, for functions that run outside of it.

A call is handed to moto as it came; what it would do to any other service is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from devstack.gateway import Request, Response
from devstack.moto_calls import MotoCalls
from devstack.server import listening
from devstack.template import REGION

# By the name that a call's X-Amz-Target begins with.
_SERVICES = {"AmazonSQS": "sqs", "TrentService": "kms"}

# The second is where SQS says an error's code as boto3 knows it.
_KEPT = ("content-type", "x-amzn-query-error")


@contextmanager
def relaying(calls: MotoCalls, host: str) -> Iterator[int]:
    """Answer SQS and KMS calls on a free port of `host` with moto's answers; yields the port."""
    with listening(host, 0) as server:
        server.start(lambda request: _pass_on(calls, request))
        try:
            yield server.port
        finally:
            server.stop()


def _pass_on(calls: MotoCalls, request: Request) -> Response:
    headers = HTTPHeaders.from_pairs(request.headers)
    target = headers.get("x-amz-target", "")
    service = _SERVICES.get(target.partition(".")[0])
    if service is None:
        return Response.of_json(400, {"__type": "InvalidAction", "message": "neither SQS nor KMS"})
    url = f"https://{service}.{REGION}.amazonaws.com/"
    answer = calls.process(AWSPreparedRequest("POST", url, headers, request.body, False))
    if answer is None:
        return Response.of_json(400, {"__type": "InvalidAction", "message": "unknown"})
    status, told, body = answer
    content = body.encode() if isinstance(body, str) else body
    kept = [(name, text) for name, text in told.items() if name.lower() in _KEPT]
    return Response(status, tuple(kept), content)
