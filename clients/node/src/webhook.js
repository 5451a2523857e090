'use strict'

const { createHmac, timingSafeEqual } = require('node:crypto')
const { WebhookSignatureError } = require('./errors.js')

const TOLERANCE = 300

const Webhook = {
  /**
   * The event of a webhook, if it is genuine; else throws WebhookSignatureError.
   *
   * `rawBody` is the body as it was received, `header` is `X-PayGate-Signature`. `tolerance` is how
   * many seconds the signature's time may differ from `now`, in epoch seconds.
   */
  constructEvent(rawBody, header, secret, { tolerance = TOLERANCE, now = Date.now() / 1000 } = {}) {
    const body = readBytes(rawBody)
    const { signedAt, signatures } = readHeader(header)
    if (typeof secret !== 'string' || !secret) {
      throw new WebhookSignatureError("The secret is missing: pass the endpoint's whsec_… string.")
    }
    const expected = sign(body, secret, signedAt)
    // While a secret is rotated, the header has one signature for each secret.
    const matching = signatures.filter((each) => timingSafeEqual(each, expected))
    if (!matching.length) {
      throw new WebhookSignatureError(
        "No signature matches: check that the secret is this endpoint's, and that the body is raw.",
      )
    }
    if (Math.abs(now - Number(signedAt)) > tolerance) {
      throw new WebhookSignatureError(
        `The webhook was signed more than ${tolerance} seconds from now: a repeat, or a wrong clock.`,
      )
    }
    return JSON.parse(body.toString('utf8'))
  },

  /** The header of a genuine webhook, for tests. `timestamp` is in epoch seconds. */
  sign(rawBody, secret, timestamp = Math.floor(Date.now() / 1000)) {
    return `t=${timestamp},v1=${sign(readBytes(rawBody), secret, timestamp).toString('hex')}`
  },
}

function readBytes(rawBody) {
  if (typeof rawBody === 'string' || rawBody instanceof Uint8Array) return Buffer.from(rawBody)
  throw new WebhookSignatureError(
    'The signature is over the bytes of the body, and this body is parsed: ' +
      "pass the raw body: express.raw({type: 'application/json'})",
  )
}

function readHeader(header) {
  if (typeof header !== 'string' || !header) {
    throw new WebhookSignatureError("The header is missing: pass req.headers['x-paygate-signature'].")
  }
  const parts = header.split(',').map((part) => part.trim().split('='))
  const signedAt = parts.find(([name]) => name === 't')?.[1] ?? ''
  const signatures = parts
    .filter(([name, value]) => name === 'v1' && /^[0-9a-f]{64}$/.test(value ?? ''))
    .map(([, value]) => Buffer.from(value, 'hex'))
  if (!/^\d{1,12}$/.test(signedAt) || !signatures.length) {
    throw new WebhookSignatureError('The header is not of the form t=<epoch>,v1=<hex>.')
  }
  return { signedAt, signatures }
}

function sign(body, secret, timestamp) {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest()
}

module.exports = { Webhook }
