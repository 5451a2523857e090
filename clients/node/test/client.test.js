'use strict'

const assert = require('node:assert/strict')
const http = require('node:http')
const { afterEach, beforeEach, describe, it } = require('node:test')
const client = require('../src/index.js')
const { delayBefore } = require('../src/retries.js')

const { PayGate, Webhook } = client
const SECRET = 'whsec_c2FtcGxl'
const BODY = '{"type":"checkout.session.completed","data":{"object":{"id":"cs_1"}},"name":"Ä"}'
const NOW = 1_700_000_000

let server, requests, answers, delays

beforeEach(async () => {
  requests = []
  answers = []
  delays = []
  server = http.createServer(async (request, response) => {
    const chunks = await request.toArray()
    const { method, url, headers } = request
    requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
    const [status, answer, answerHeaders] = answers.shift() ?? [200, {}]
    if (status === 0) return request.socket.destroy()
    response.writeHead(status, answerHeaders)
    return response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

function open(options) {
  const paygate = new PayGate('sk_test_x', { baseUrl: `http://127.0.0.1:${server.address().port}/`, ...options })
  paygate.customers.transport.sleep = async (seconds) => delays.push(seconds)
  return paygate
}

function failure(status, code, type = 'invalid_request_error') {
  return [status, { error: { type, code, message: 'No.', param: 'id' } }, { 'Request-Id': 'req_1' }]
}

describe('requests', () => {
  it('send the key, JSON and an idempotency key', async () => {
    await open().customers.create({ name: 'Ama', metadata: {}, idempotency_key: 'order-1' })

    const [{ method, url, headers, body }] = requests
    assert.deepEqual([method, url, body], ['POST', '/v1/customers', '{"name":"Ama","metadata":{}}'])
    assert.equal(headers.authorization, 'Bearer sk_test_x')
    assert.equal(headers['idempotency-key'], 'order-1')
  })

  it('write times with whole seconds, in queries and in bodies', async () => {
    const at = new Date('2026-01-31T12:00:00.123Z')
    answers.push([200, { data: [], has_more: false }])
    await open().events.list({ created_at: { gte: at, lt: undefined } })
    await open().events.resendRange({ created_at: { gte: at } })

    assert.equal(decodeURIComponent(requests[0].url), '/v1/events?created_at[gte]=2026-01-31T12:00:00Z')
    assert.equal(requests[1].body, '{"created_at":{"gte":"2026-01-31T12:00:00Z"}}')
  })

  it('escape ids, and refuse an empty one', async () => {
    await open().payments.retrieve('../x')
    assert.equal(requests[0].url, '/v1/payments/..%2Fx')
    for (const id of ['', undefined]) {
      await assert.rejects(open().payments.retrieve(id), /id must be a non-empty string/)
    }
  })

  it('say what is missing in the configuration', () => {
    assert.throws(() => new PayGate(undefined, { baseUrl: 'http://127.0.0.1' }), /PAYGATE_SECRET_KEY/)
    assert.throws(() => new PayGate('sk_test_x'), /PAYGATE_BASE_URL/)
  })

  it('do not follow redirects, which would carry the key to another host', async () => {
    answers.push([302, '', { Location: 'http://127.0.0.1:1/' }])
    await assert.rejects(open().payments.retrieve('pay_1'), { status: 302 })
  })
})

describe('lists', () => {
  const page = (ids, has_more) => ({ object: 'list', data: ids.map((id) => ({ id })), has_more, url: '/' })

  it('iterate over all pages, also empty ones', async () => {
    answers.push(
      [200, page(['a', 'b'], true), { 'Next-Cursor': 'b' }],
      [200, page([], true), { 'Next-Cursor': 'k' }],
      [200, page(['z'], false)],
    )
    const ids = []
    for await (const each of open().customers.list({ limit: 2 })) ids.push(each.id)

    assert.deepEqual(ids, ['a', 'b', 'z'])
    assert.deepEqual(
      requests.map(({ url }) => url.split('?')[1]),
      ['limit=2', 'limit=2&starting_after=b', 'limit=2&starting_after=k'],
    )
  })

  it('are one page when awaited', async () => {
    answers.push([200, page(['a'], true)], [200, page(['b'], false)])
    const first = await open().customers.list()
    assert.deepEqual([first.data, first.has_more, requests.length], [[{ id: 'a' }], true, 1])

    const second = await first.nextPage()
    assert.deepEqual([second.data, await second.nextPage()], [[{ id: 'b' }], undefined])
    assert.equal(requests[1].url, '/v1/customers?starting_after=a')
  })

  it('report their errors', async () => {
    answers.push(failure(400, 'parameter_invalid'))
    await assert.rejects(open().customers.list().catch((error) => { throw error }), { param: 'id' })
  })
})

describe('errors', () => {
  for (const [status, type, kind] of [
    [400, 'invalid_request_error', client.InvalidRequestError],
    [401, 'authentication_error', client.AuthenticationError],
    [403, 'permission_error', client.PermissionDeniedError],
    [404, 'invalid_request_error', client.NotFoundError],
    [409, 'invalid_request_error', client.ConflictError],
    [409, 'idempotency_error', client.IdempotencyError],
    [422, 'invalid_request_error', client.InvalidRequestError],
    [429, 'rate_limit_error', client.RateLimitError],
    [503, 'api_error', client.ServerError],
  ]) {
    it(`${status} ${type} is a ${kind.name}`, async () => {
      answers.push(failure(status, 'some_code', type))
      const error = await open({ maxRetries: 0 }).payments.retrieve('pay_1').catch((each) => each)

      assert.equal(error.constructor, kind)
      assert.ok(error instanceof client.ApiError && error instanceof client.PayGateError)
      const { message, code, param, requestId } = error
      assert.deepEqual(
        { message, type: error.type, code, param, status: error.status, requestId },
        { message: 'No.', type, code: 'some_code', param: 'id', status, requestId: 'req_1' },
      )
    })
  }

  it("of API Gateway have its message", async () => {
    answers.push([429, { message: 'Too Many Requests' }])
    const error = await open({ maxRetries: 0 }).payments.retrieve('pay_1').catch((each) => each)
    assert.deepEqual([error.message, error.type], ['Too Many Requests', 'rate_limit_error'])
  })

  it('an answer that is not JSON is one', async () => {
    answers.push([200, '<html>'])
    await assert.rejects(open().payments.retrieve('pay_1'), /check the base URL/)
  })
})

describe('retries', () => {
  for (const answer of [[0], [500, 'oops'], failure(503, 'try_again', 'api_error'), failure(429, 'x'), failure(409, 'payment_in_progress')]) {
    it(`follow ${answer[0] ? `${answer[0]} ${answer[1]?.error?.code ?? ''}` : 'a lost connection'}, with one idempotency key`, async () => {
      answers.push(answer, answer, [201, { id: 'cus_1' }])
      assert.deepEqual(await open().customers.create(), { id: 'cus_1' })

      const keys = requests.map(({ headers }) => headers['idempotency-key'])
      assert.equal(keys.length, 3)
      assert.equal(new Set(keys).size, 1)
      assert.ok(delays[0] >= 0.25 && delays[0] <= 0.5 && delays[1] >= 0.5 && delays[1] <= 1, String(delays))
    })
  }

  it('end after maxRetries', async () => {
    answers.push([0], [0])
    await assert.rejects(open({ maxRetries: 1 }).customers.create(), client.ConnectionError)
    assert.equal(requests.length, 2)
  })

  for (const answer of [failure(400, 'x'), failure(404, 'x'), failure(409, 'checkout_session_not_open')]) {
    it(`do not follow ${answer[0]}`, async () => {
      answers.push(answer)
      await assert.rejects(open().customers.create(), { status: answer[0] })
      assert.equal(requests.length, 1)
    })
  }

  it('wait for as long as Retry-After says, up to a minute', async () => {
    answers.push([503, {}, { 'Retry-After': '7' }], [200, {}])
    await open().customers.create()
    assert.deepEqual(delays, [7])

    answers.push([503, {}, { 'Retry-After': '61' }])
    await assert.rejects(open().customers.create(), client.ServerError)
  })

  it('read Retry-After as a date too, and ignore any other text', () => {
    const now = Date.parse('2026-01-31T12:00:00Z')
    assert.equal(delayBefore(0, 'Sat, 31 Jan 2026 12:00:20 GMT', now), 20)
    assert.ok(delayBefore(0, 'soon', now) <= 0.5)
    assert.ok(delayBefore(20, undefined, now) <= 8)
  })

  it('follow an answer that takes too long', async () => {
    let calls = 0
    const fetch = (url, { signal }) =>
      calls++ ? globalThis.fetch(url) : new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)))
    assert.deepEqual(await open({ timeout: 20, fetch }).customers.create(), {})
  })
})

describe('webhooks', () => {
  const header = Webhook.sign(BODY, SECRET, NOW)
  const construct = (body, signature = header, options = { now: NOW }) =>
    Webhook.constructEvent(body, signature, SECRET, options)

  it('are accepted as bytes and as text', () => {
    for (const body of [BODY, Buffer.from(BODY), new TextEncoder().encode(BODY)]) {
      assert.equal(construct(body).data.object.id, 'cs_1')
    }
  })

  it('are accepted with any of the signatures of the header', () => {
    const [time, signature] = header.split(',')
    for (const each of [`${time},v1=${'0'.repeat(64)},${signature}`, `${header},v1=${'0'.repeat(64)}`, `${header},v1=x,v0=y`]) {
      assert.equal(construct(BODY, each).name, 'Ä')
    }
  })

  it('are refused when the body is parsed, with what to do', () => {
    for (const body of [JSON.parse(BODY), {}, undefined]) {
      assert.throws(() => construct(body), /pass the raw body: express\.raw\(\{type: 'application\/json'\}\)/)
    }
  })

  it('are refused when the body or the secret is another', () => {
    assert.throws(() => construct(`${BODY} `), /No signature matches/)
    assert.throws(() => Webhook.constructEvent(BODY, header, 'whsec_b3RoZXI=', { now: NOW }), client.WebhookSignatureError)
    assert.throws(() => Webhook.constructEvent(BODY, header, undefined, { now: NOW }), /secret is missing/)
  })

  it('are refused more than 300 seconds before and after', () => {
    for (const seconds of [-300, 300]) construct(BODY, header, { now: NOW + seconds })
    for (const seconds of [-301, 301]) {
      assert.throws(() => construct(BODY, header, { now: NOW + seconds }), /more than 300 seconds/)
    }
    construct(BODY, header, { now: NOW + 400, tolerance: 500 })
  })

  it('are refused without a header of the right form', () => {
    for (const each of [undefined, '', [header]]) {
      assert.throws(() => Webhook.constructEvent(BODY, each, SECRET), /header is missing/)
    }
    for (const each of ['t=1', 'v1=00', `t=x,${header.split(',')[1]}`, 'nonsense', `t=${NOW},v1=00`]) {
      assert.throws(() => construct(BODY, each), /not of the form/)
    }
  })
})
