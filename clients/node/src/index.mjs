import client from './index.js'

export const {
  PayGate,
  Webhook,
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
} = client
export default client.PayGate
