'use strict'

const { List } = require('./lists.js')
const { PayGateError } = require('./errors.js')

class Resource {
  constructor(transport) {
    Object.defineProperty(this, 'transport', { value: transport })
  }

  async send(method, path, params) {
    const { body } = await this.transport.send(method, path, params)
    return body
  }
}

/** A path with ids in it: path`/v1/events/${id}`. An empty id would be the address of the list. */
function path(texts, ...ids) {
  return String.raw(
    { raw: texts },
    ...ids.map((id) => {
      if (typeof id !== 'string' || !id) throw new PayGateError('The id must be a non-empty string.')
      return encodeURIComponent(id)
    }),
  )
}

class Sessions extends Resource {
  async create(params) {
    return this.send('POST', '/v1/checkout/sessions', params)
  }
  async retrieve(id) {
    return this.send('GET', path`/v1/checkout/sessions/${id}`)
  }
  list(params) {
    return new List(this.transport, '/v1/checkout/sessions', params)
  }
  async expire(id, params) {
    return this.send('POST', path`/v1/checkout/sessions/${id}/expire`, params)
  }
}

class Customers extends Resource {
  async create(params) {
    return this.send('POST', '/v1/customers', params)
  }
  async retrieve(id) {
    return this.send('GET', path`/v1/customers/${id}`)
  }
  list(params) {
    return new List(this.transport, '/v1/customers', params)
  }
}

class Payments extends Resource {
  async retrieve(id) {
    return this.send('GET', path`/v1/payments/${id}`)
  }
  list(params) {
    return new List(this.transport, '/v1/payments', params)
  }
}

class Refunds extends Resource {
  async create(params) {
    return this.send('POST', '/v1/refunds', params)
  }
  async retrieve(id) {
    return this.send('GET', path`/v1/refunds/${id}`)
  }
  list(params) {
    return new List(this.transport, '/v1/refunds', params)
  }
}

class Webhooks extends Resource {
  async create(params) {
    return this.send('POST', '/v1/webhooks', params)
  }
  async retrieve(id) {
    return this.send('GET', path`/v1/webhooks/${id}`)
  }
  list(params) {
    return new List(this.transport, '/v1/webhooks', params)
  }
  async update(id, params) {
    return this.send('PATCH', path`/v1/webhooks/${id}`, params)
  }
  async delete(id) {
    return this.send('DELETE', path`/v1/webhooks/${id}`)
  }
  async rotate(id, params) {
    return this.send('POST', path`/v1/webhooks/${id}/rotate`, params)
  }
  async test(id, params) {
    return this.send('POST', path`/v1/webhooks/${id}/test`, params)
  }
}

class Events extends Resource {
  async retrieve(id) {
    return this.send('GET', path`/v1/events/${id}`)
  }
  list(params) {
    return new List(this.transport, '/v1/events', params)
  }
  deliveries(id) {
    return new List(this.transport, path`/v1/events/${id}/deliveries`)
  }
  async resend(id, params) {
    return this.send('POST', path`/v1/events/${id}/resend`, params)
  }
  async resendRange(params) {
    return this.send('POST', '/v1/events/resend', params)
  }
  async retrieveResend(id) {
    return this.send('GET', path`/v1/events/resends/${id}`)
  }
}

module.exports = { Sessions, Customers, Payments, Refunds, Webhooks, Events }
