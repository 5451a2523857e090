'use strict'

/**
 * PayGateError
 * ├── ApiError                    the API answered with an error
 * │   ├── InvalidRequestError     400, 405, 413, 422
 * │   │   ├── NotFoundError       404
 * │   │   └── ConflictError       409
 * │   │       └── IdempotencyError  the key was used with another body
 * │   ├── AuthenticationError     401
 * │   ├── PermissionDeniedError   403
 * │   ├── RateLimitError          429
 * │   └── ServerError             5xx
 * ├── ConnectionError             no answer arrived
 * └── WebhookSignatureError       a webhook is not genuine
 */
class PayGateError extends Error {
  constructor(message, options) {
    super(message, options)
    this.name = this.constructor.name
  }
}

class ApiError extends PayGateError {
  constructor({ message, type, code, param, status, requestId }) {
    super(message)
    Object.assign(this, { type, code, param, status, requestId })
  }
}

class InvalidRequestError extends ApiError {}
class NotFoundError extends InvalidRequestError {}
class ConflictError extends InvalidRequestError {}
class IdempotencyError extends ConflictError {}
class AuthenticationError extends ApiError {}
class PermissionDeniedError extends ApiError {}
class RateLimitError extends ApiError {}
class ServerError extends ApiError {}
class ConnectionError extends PayGateError {}
class WebhookSignatureError extends PayGateError {}

const BY_STATUS = {
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  429: RateLimitError,
}

function classFor(status, type) {
  if (type === 'idempotency_error') return IdempotencyError
  if (status >= 500) return ServerError
  return BY_STATUS[status] ?? InvalidRequestError
}

/** The error of an answer. API Gateway's own answers have no `error`, only a `message`. */
function errorFrom(status, body, requestId) {
  const { type, code, message, param } = body?.error ?? {}
  const Kind = classFor(status, type)
  return new Kind({
    type: type ?? (status === 429 ? 'rate_limit_error' : 'api_error'),
    code,
    message: message ?? body?.message ?? `The API answered ${status}.`,
    param,
    status,
    requestId,
  })
}

module.exports = {
  PayGateError,
  ApiError,
  InvalidRequestError,
  NotFoundError,
  ConflictError,
  IdempotencyError,
  AuthenticationError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
  ConnectionError,
  WebhookSignatureError,
  errorFrom,
}
