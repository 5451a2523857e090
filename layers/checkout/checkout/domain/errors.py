"""Every error of the public APIs. Each has an HTTP status, a code and, if a parameter caused it,
the parameter's name. Each dialect renders errors in its own format.

CheckoutError
├── InvalidRequestError 400         ├── ParameterMissingError
│                                   ├── ParameterInvalidError ── …TypeError, …BelowMinimumError,
│                                   │                            …AboveMaximumError
│                                   ├── ParameterUnknownError
│                                   ├── ReferenceMissingError
│                                   ├── RefundTooLargeError
│                                   ├── CaptureTooLargeError
│                                   ├── BodyInvalidError
│                                   ├── BodyTooLargeError 413
│                                   └── ManyInvalidError        several of these at once
├── AuthenticationError 401
├── PermissionDeniedError 403       ├── ServerSideOnlyError
│                                   └── AccountSuspendedError
├── NotFoundError 404               ├── ResourceMissingError
│                                   └── RouteMissingError
├── MethodNotAllowedError 405
├── ConflictError 409               ├── SessionNotOpenError
│                                   ├── PaymentInProgressError
│                                   ├── PaymentNotRefundableError
│                                   ├── NothingHeldError
│                                   ├── CaptureRefusedError
│                                   ├── EndpointDisabledError
│                                   └── IdempotencyError
├── LimitError 422
├── TooManyAttemptsError 429
├── RateLimitError 429
└── BusyError 503
"""

import re

MAX_ERRORS = 20
"""The most errors in one response. A request may have thousands."""


def shown_name(name: str) -> str | None:
    """A parameter's name as errors show it; None if the request chose one that is long or does not
    look like a name."""
    return name if re.fullmatch(r"[A-Za-z_][\w.\[\]-]{0,63}", name, re.ASCII) else None


class CheckoutError(Exception):
    """`message` is for the caller. It contains no secret and no value from the request."""

    status = 500
    code = "internal_error"

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class InvalidRequestError(CheckoutError):
    status = 400
    code = "parameter_invalid"


class ParameterMissingError(InvalidRequestError):
    code = "parameter_missing"

    def __init__(self, param: str) -> None:
        super().__init__(f"The parameter {param} is required.", param)


class ParameterInvalidError(InvalidRequestError):
    code = "parameter_invalid"


class ParameterTypeError(ParameterInvalidError):
    code = "parameter_type_invalid"


class ParameterBelowMinimumError(ParameterInvalidError):
    code = "parameter_below_minimum"


class ParameterAboveMaximumError(ParameterInvalidError):
    code = "parameter_above_maximum"


class ManyInvalidError(InvalidRequestError):
    """Several errors of one request, for a dialect that reports them together: the first
    MAX_ERRORS."""

    def __init__(self, errors: list["InvalidRequestError"]) -> None:
        super().__init__("Several parameters are wrong.")
        self.errors = errors[:MAX_ERRORS]


class ParameterUnknownError(InvalidRequestError):
    code = "parameter_unknown"

    def __init__(self, param: str) -> None:
        shown = shown_name(param)
        subject = f"The parameter {shown}" if shown else "A parameter"
        super().__init__(f"{subject} is not known here.", shown)


class ReferenceMissingError(InvalidRequestError):
    """A parameter names an object that does not exist in the caller's scope."""

    code = "resource_missing"

    def __init__(self, kind: str, param: str) -> None:
        super().__init__(f"No such {kind}.", param)


class RefundTooLargeError(InvalidRequestError):
    """The amount of a refund is more than is left of its payment."""

    code = "amount_too_large"

    def __init__(self, left: int) -> None:
        super().__init__(
            f"amount must be at most {left}: no more is left of the payment.", "amount"
        )


class CaptureTooLargeError(ParameterAboveMaximumError):
    """The amount of a capture is more than the processor holds."""

    def __init__(self, held: int) -> None:
        super().__init__(f"amount must be at most {held}: no more is held.", "amount")


class BodyInvalidError(InvalidRequestError):
    code = "body_invalid"


class BodyTooLargeError(InvalidRequestError):
    status = 413
    code = "body_too_large"


class AuthenticationError(CheckoutError):
    status = 401
    code = "invalid_api_key"


class PermissionDeniedError(CheckoutError):
    status = 403
    code = "secret_key_required"


class ServerSideOnlyError(PermissionDeniedError):
    """A browser asked whether a page of another site may call the API."""

    code = "server_side_only"

    def __init__(self) -> None:
        super().__init__(
            "Secret keys don't belong in browsers, where every visitor can read them. "
            "Call this API from your server."
        )


class AccountSuspendedError(PermissionDeniedError):
    code = "account_suspended"

    def __init__(self) -> None:
        super().__init__("This account is suspended. Ask the operator of this service.")


class NotFoundError(CheckoutError):
    status = 404
    code = "resource_missing"


class ResourceMissingError(NotFoundError):
    def __init__(self, kind: str) -> None:
        super().__init__(f"No such {kind}.", "id")


class RouteMissingError(NotFoundError):
    code = "route_missing"


class MethodNotAllowedError(CheckoutError):
    status = 405
    code = "method_not_allowed"

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class ConflictError(CheckoutError):
    status = 409
    code = "conflict"


class SessionNotOpenError(ConflictError):
    code = "checkout_session_not_open"

    def __init__(self, status: str) -> None:
        super().__init__(f"The checkout session is {status}; only an open one allows this.")
        self.session_status = status


class PaymentInProgressError(ConflictError):
    code = "payment_in_progress"

    def __init__(self) -> None:
        super().__init__("A payment of this checkout session is in progress; wait for its end.")


class PaymentNotRefundableError(ConflictError):
    code = "payment_not_refundable"


class NothingHeldError(ConflictError):
    """A payment has no held money to capture or void."""

    code = "nothing_held"


class CaptureRefusedError(ConflictError):
    code = "capture_refused"

    def __init__(self) -> None:
        super().__init__(
            "The processor did not capture this amount. The money is still held: capture another "
            "amount, or cancel."
        )


class EndpointDisabledError(ConflictError):
    code = "webhook_disabled"

    def __init__(self) -> None:
        super().__init__("The webhook endpoint is disabled; enable it first.", "webhook")


class IdempotencyError(ConflictError):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "This idempotency key was used with another request. Use a new key for a new request."
        )


class LimitError(CheckoutError):
    status = 422
    code = "limit_reached"


class TooManyAttemptsError(CheckoutError):
    """So many payment attempts of a session failed that none is allowed for a while."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, again_at: int) -> None:
        super().__init__("Too many payments of this checkout session failed. Try again later.")
        self.again_at = again_at


class RateLimitError(CheckoutError):
    """A caller sent more requests than the limits allow. Nothing was read or written."""

    status = 429
    code = "rate_limit"

    def __init__(self) -> None:
        super().__init__(
            "Too many requests. Wait for the seconds in Retry-After, then send this one again."
        )


class BusyError(CheckoutError):
    """The storage refused or did not answer, or conflicts continued, until the time was over.

    Nothing was written, unless an answer was lost.
    """

    status = 503
    code = "try_again"

    def __init__(self) -> None:
        super().__init__(
            "The service is busy. Try again, with the same Idempotency-Key if there was one."
        )
