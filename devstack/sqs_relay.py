"""moto's SQS, which lives in this process, for functions that run outside of it.

SQS's JSON protocol names operations and parameters as boto3 does, so a call is passed on as it is.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from devstack.gateway import Request, Response
from devstack.server import listening


@contextmanager
def relaying(client: Any, host: str) -> Iterator[int]:
    """Answer SQS calls on a free port of `host` with what `client` answers; yields the port."""
    with listening(host, 0) as server:
        server.start(lambda request: _pass_on(client, request))
        try:
            yield server.port
        finally:
            server.stop()


def _pass_on(client: Any, request: Request) -> Response:
    target = {name.lower(): value for name, value in request.headers}.get("x-amz-target", "")
    service, _, operation = target.partition(".")
    if service != "AmazonSQS" or operation not in client.meta.service_model.operation_names:
        return _refuse(400, "InvalidAction", f"{target or request.target} is not an SQS call")
    try:
        answer = getattr(client, xform_name(operation))(**json.loads(request.body))
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return _refuse(status, error.response["Error"]["Code"], str(error))
    except (ParamValidationError, ValueError) as error:
        return _refuse(400, "InvalidParameterValue", str(error))
    del answer["ResponseMetadata"]
    return Response.of_json(200, answer)


def _refuse(status: int, code: str, message: str) -> Response:
    return Response.of_json(status, {"__type": f"com.amazonaws.sqs#{code}", "message": message})
