"""The errors of this client.

PayGateError
├── ApiError                     the API answered with an error
│   ├── InvalidRequestError      400, 405, 413, 422
│   │   ├── NotFoundError        404
│   │   └── ConflictError        409
│   │       └── IdempotencyError   the key was used with another body
│   ├── AuthenticationError      401
│   ├── PermissionDeniedError    403
│   ├── RateLimitError           429
│   └── ServerError              5xx
├── ConnectionFailedError        no answer arrived
└── WebhookSignatureError        a webhook is not genuine
"""

from typing import Any


class PayGateError(Exception):
    """The base of all errors of this client."""


class ApiError(PayGateError):
    """The API answered with an error. `code` and `param` are None where it names none."""

    def __init__(
        self,
        message: str,
        *,
        type: str,
        code: str | None,
        param: str | None,
        status: int,
        request_id: str | None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.status = status
        self.request_id = request_id


class InvalidRequestError(ApiError):
    pass


class NotFoundError(InvalidRequestError):
    pass


class ConflictError(InvalidRequestError):
    pass


class IdempotencyError(ConflictError):
    pass


class AuthenticationError(ApiError):
    pass


class PermissionDeniedError(ApiError):
    pass


class RateLimitError(ApiError):
    pass


class ServerError(ApiError):
    pass


class ConnectionFailedError(PayGateError):
    pass


class WebhookSignatureError(PayGateError):
    pass


_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def error_from(status: int, body: Any, request_id: str | None) -> ApiError:
    """The error of an answer. API Gateway's own answers have no `error`, only a `message`."""
    answer = body if isinstance(body, dict) else {}
    fields = answer.get("error")
    fields = fields if isinstance(fields, dict) else {}
    return _class_for(status, fields.get("type"))(
        fields.get("message") or answer.get("message") or f"The API answered {status}.",
        type=fields.get("type") or ("rate_limit_error" if status == 429 else "api_error"),
        code=fields.get("code"),
        param=fields.get("param"),
        status=status,
        request_id=request_id,
    )


def _class_for(status: int, type: str | None) -> type[ApiError]:
    if type == "idempotency_error":
        return IdempotencyError
    return ServerError if status >= 500 else _BY_STATUS.get(status, InvalidRequestError)
