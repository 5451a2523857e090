/** The client of PayGate's API. */
export class PayGate {
  /** `secretKey` and `baseUrl` default to PAYGATE_SECRET_KEY and PAYGATE_BASE_URL. */
  constructor(secretKey?: string, options?: PayGateOptions)
  readonly checkout: { readonly sessions: Sessions }
  readonly customers: Customers
  readonly payments: Payments
  readonly refunds: Refunds
  readonly webhooks: Webhooks
  readonly events: Events
}

export interface PayGateOptions {
  baseUrl?: string
  /** Milliseconds for each attempt; 30,000 by default. */
  timeout?: number
  /** How often a call is repeated; 2 by default. */
  maxRetries?: number
  fetch?: typeof globalThis.fetch
}

// ---------------------------------------------------------------- operations

export interface Sessions {
  create(params: SessionCreateParams): Promise<Session>
  retrieve(id: string): Promise<Session>
  list(params?: SessionListParams): List<Session>
  expire(id: string, params?: Idempotent): Promise<Session>
}

export interface Customers {
  create(params?: CustomerCreateParams): Promise<Customer>
  retrieve(id: string): Promise<Customer>
  list(params?: ListParams): List<Customer>
}

export interface Payments {
  retrieve(id: string): Promise<Payment>
  list(params?: ListParams): List<Payment>
}

export interface Refunds {
  create(params: RefundCreateParams): Promise<Refund>
  retrieve(id: string): Promise<Refund>
  list(params?: RefundListParams): List<Refund>
}

export interface Webhooks {
  create(params: WebhookCreateParams): Promise<WebhookEndpointWithSecret>
  retrieve(id: string): Promise<WebhookEndpoint>
  list(params?: ListParams): List<WebhookEndpoint>
  update(id: string, params: WebhookUpdateParams): Promise<WebhookEndpoint>
  delete(id: string): Promise<Deleted>
  /** A new secret. The old one signs for another 24 hours. */
  rotate(id: string, params?: Idempotent): Promise<WebhookEndpointWithSecret>
  /** Sends a sample event. */
  test(id: string, params?: { type?: EventType }): Promise<Event>
}

export interface Events {
  retrieve(id: string): Promise<Event>
  list(params?: EventListParams): List<Event>
  /** One delivery for each webhook endpoint. */
  deliveries(id: string): List<Delivery>
  /** Sends an event again, to one webhook endpoint or to all that subscribe to it. */
  resend(id: string, params?: { webhook?: string }): Promise<ListBody<Delivery>>
  /** Sends all events of a time range again. */
  resendRange(params: ResendRangeParams): Promise<EventResend>
  retrieveResend(id: string): Promise<EventResend>
}

// ---------------------------------------------------------------- lists

/** Awaited it is the first page; iterated it is every object of all pages. */
export interface List<T> extends PromiseLike<Page<T>>, AsyncIterable<T> {
  catch<R>(onError: (error: unknown) => R | PromiseLike<R>): Promise<Page<T> | R>
  finally(onEnd: () => void): Promise<Page<T>>
}

export interface ListBody<T> {
  object: 'list'
  data: T[]
  has_more: boolean
  url: string
}

/** Iterating over a page goes on to the following pages; `data` is this page alone. */
export interface Page<T> extends ListBody<T>, AsyncIterable<T> {
  nextPage(): Promise<Page<T> | undefined>
}

// ---------------------------------------------------------------- parameters

export interface Idempotent {
  /** One is made for each call that has none. */
  idempotency_key?: string
}

export interface ListParams {
  limit?: number
  starting_after?: string
}

export type MetadataParam = Record<string, string | number | boolean | null>
export type PaymentMethod = 'card' | 'mobile_money' | 'bank_transfer'

export interface SessionCreateParams extends Idempotent {
  /** In pesewas. */
  amount: number
  success_url: string
  cancel_url: string
  currency?: 'GHS' | (string & {}) | null
  customer?: string | null
  customer_email?: string | null
  customer_phone?: string | null
  payment_method_types?: PaymentMethod[] | null
  /** The page's language; by default the browser's. */
  locale?: 'en' | 'fr' | 'fil' | null
  metadata?: MetadataParam | null
  expires_at?: string | Date | null
  /** Whether shoppers may start the session again after it expired. */
  after_expiration?: { recovery: { enabled: boolean } } | null
}

export interface SessionListParams extends ListParams {
  status?: SessionStatus
  customer?: string
  payment?: string
}

export interface CustomerCreateParams extends Idempotent {
  email?: string | null
  name?: string | null
  phone?: string | null
  metadata?: MetadataParam | null
}

export interface RefundCreateParams extends Idempotent {
  payment: string
  /** In pesewas; all that is left of the payment by default. */
  amount?: number | null
  reason?: string | null
  metadata?: MetadataParam | null
}

export interface RefundListParams extends ListParams {
  payment?: string
}

export interface WebhookCreateParams extends Idempotent {
  url: string
  events: EventType[]
  description?: string | null
}

export interface WebhookUpdateParams {
  url?: string
  events?: EventType[]
  description?: string | null
  status?: 'enabled' | 'disabled'
}

/** An ISO 8601 time in UTC, epoch seconds, or a Date. */
export type TimeParam = string | number | Date

export interface EventListParams extends ListParams {
  type?: EventType
  checkout_session?: string
  delivery_state?: EventState
  created_at?: { gte?: TimeParam; gt?: TimeParam; lte?: TimeParam; lt?: TimeParam }
}

export interface ResendRangeParams extends Idempotent {
  created_at: { gte: TimeParam; lte?: TimeParam }
  type?: EventType
  webhook?: string
  delivery_state?: EventState
}

// ---------------------------------------------------------------- objects

export type SessionStatus = 'open' | 'complete' | 'expired'
export type RefundFailure = 'declined' | 'expired_or_canceled_card' | 'insufficient_funds' | 'unknown'
export type EventState = 'pending' | 'delivered' | 'failed'
export type Metadata = Record<string, string>

/** Whether shoppers may start a session again after it expired, and by which link. */
export interface AfterExpiration {
  recovery: { enabled: boolean; url: string | null; expires_at: string | null }
}

export interface Session {
  id: string
  object: 'checkout.session'
  status: SessionStatus
  url: string
  amount: number
  currency: string
  payment: string | null
  payment_status: 'unpaid' | 'paid'
  customer: string | null
  customer_email: string | null
  success_url: string
  cancel_url: string
  metadata: Metadata
  expires_at: string
  created_at: string
  after_expiration?: AfterExpiration
  /** The expired session that this one was made of. */
  recovered_from?: string
}

export interface Customer {
  id: string
  object: 'customer'
  email: string | null
  name: string | null
  phone: string | null
  metadata: Metadata
  created_at: string
  updated_at: string
}

export interface Payment {
  id: string
  object: 'payment'
  amount: number
  currency: string
  status: 'pending' | 'succeeded' | 'failed'
  payment_method: PaymentMethod
  provider: 'mtn' | 'telecel' | 'airteltigo' | null
  phone: string | null
  description: string | null
  customer: string | null
  metadata: Metadata
  created_at: string
  updated_at: string
}

export interface Refund {
  id: string
  object: 'refund'
  amount: number
  currency: string
  status: 'pending' | 'succeeded' | 'failed'
  payment: string
  reason: string | null
  failure_reason: RefundFailure | null
  metadata: Metadata
  created_at: string
}

export interface WebhookEndpoint {
  id: string
  object: 'webhook_endpoint'
  url: string
  description: string | null
  status: 'enabled' | 'disabled'
  disabled_because: 'merchant' | 'gone' | 'failing' | null
  events: EventType[]
  created_at: string
}

export interface WebhookEndpointWithSecret extends WebhookEndpoint {
  /** Shown only here: store it. */
  secret: string
}

export interface Deleted {
  id: string
  object: string
  deleted: true
}

/** What `data.object` is, by type of event. */
export interface EventObjects {
  'checkout.session.completed': Session
  'checkout.session.expired': Session
  'payment.succeeded': Payment
  'payment.failed': Payment
  'refund.created': Refund
  'refund.updated': Refund
}

export type EventType = keyof EventObjects

/** `event.type` tells what `event.data.object` is. */
export type Event = { [T in EventType]: EventOf<T> }[EventType]

export interface EventOf<T extends EventType> {
  id: string
  object: 'event'
  type: T
  created_at: string
  data: { object: EventObjects[T] }
  pending_webhooks: number
  checkout_session: string
  sequence: number | null
  request: { id: string | null; idempotency_key: string | null }
}

export interface Delivery {
  object: 'event_delivery'
  event: string
  webhook: string
  state: 'pending' | 'delivered' | 'failed' | 'canceled'
  next_attempt_at: string | null
  attempt_count: number
  attempts: DeliveryAttempt[]
}

export interface DeliveryAttempt {
  at: string
  duration_ms: number
  status: number | null
  error: string | null
  answer: string | null
}

export interface EventResend {
  id: string
  object: 'event_resend'
  status: 'pending' | 'done'
  sent_count: number
  range: { gte: string; lte: string }
  type: EventType | null
  webhook: string | null
  delivery_state: EventState | null
  created_at: string
  updated_at: string
}

// ---------------------------------------------------------------- webhooks

export const Webhook: {
  /**
   * The event of a webhook, if it is genuine; else throws `WebhookSignatureError`.
   *
   * `rawBody` is the body as it was received; in Express that is `req.body` after
   * `express.raw({type: 'application/json'})`. `header` is `X-PayGate-Signature`.
   */
  constructEvent(
    rawBody: string | Uint8Array,
    header: string | string[] | undefined,
    secret: string,
    options?: {
      /** Seconds that the signature's time may differ from `now`; 300 by default. */
      tolerance?: number
      /** Epoch seconds; this machine's clock by default. */
      now?: number
    },
  ): Event
  /** The header of a genuine webhook, for tests. `timestamp` is in epoch seconds. */
  sign(rawBody: string | Uint8Array, secret: string, timestamp?: number): string
}

// ---------------------------------------------------------------- errors

export class PayGateError extends Error {}

/** The API answered with an error. */
export class ApiError extends PayGateError {
  readonly type: string
  readonly code: string | undefined
  readonly param: string | undefined
  readonly status: number
  readonly requestId: string | undefined
}

export class InvalidRequestError extends ApiError {}
export class NotFoundError extends InvalidRequestError {}
export class ConflictError extends InvalidRequestError {}
export class IdempotencyError extends ConflictError {}
export class AuthenticationError extends ApiError {}
export class PermissionDeniedError extends ApiError {}
export class RateLimitError extends ApiError {}
export class ServerError extends ApiError {}

/** No answer arrived. */
export class ConnectionError extends PayGateError {}

/** A webhook is not genuine. */
export class WebhookSignatureError extends PayGateError {}
