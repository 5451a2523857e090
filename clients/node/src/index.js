'use strict'

const { errorFrom, ...errors } = require('./errors.js')
const resources = require('./resources.js')
const { Transport } = require('./transport.js')
const { Webhook } = require('./webhook.js')

/** PayGate's API. The secret key and the base URL may come from the environment. */
class PayGate {
  constructor(
    secretKey = process.env.PAYGATE_SECRET_KEY,
    {
      baseUrl = process.env.PAYGATE_BASE_URL,
      timeout = 30_000,
      maxRetries = 2,
      fetch = globalThis.fetch,
    } = {},
  ) {
    if (!secretKey) {
      throw new errors.PayGateError('The secret key is missing: pass it, or set PAYGATE_SECRET_KEY.')
    }
    if (!baseUrl) {
      throw new errors.PayGateError('The base URL is missing: pass baseUrl, or set PAYGATE_BASE_URL.')
    }
    const transport = new Transport({ secretKey, baseUrl, timeout, maxRetries, fetch })
    this.checkout = { sessions: new resources.Sessions(transport) }
    this.customers = new resources.Customers(transport)
    this.payments = new resources.Payments(transport)
    this.refunds = new resources.Refunds(transport)
    this.webhooks = new resources.Webhooks(transport)
    this.events = new resources.Events(transport)
  }
}

module.exports = { PayGate, Webhook, ...errors }
