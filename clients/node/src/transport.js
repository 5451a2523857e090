'use strict'

const { randomUUID } = require('node:crypto')
const { setTimeout: sleepMs } = require('node:timers/promises')
const { ConnectionError, PayGateError, errorFrom } = require('./errors.js')
const { delayBefore, isRetryable } = require('./retries.js')

/** Sends requests, and repeats those that may succeed a moment later. */
class Transport {
  constructor({ secretKey, baseUrl, timeout, maxRetries, fetch }) {
    this.secretKey = secretKey
    this.baseUrl = baseUrl.replace(/\/+$/, '')
    this.timeout = timeout
    this.maxRetries = maxRetries
    this.fetch = fetch
    this.sleep = (seconds) => sleepMs(seconds * 1000)
  }

  /** The answer's JSON and headers. `params` are the body, or the query of a GET. */
  async send(method, path, params = {}) {
    const [url, request] = this.buildRequest(method, path, params)
    for (let retry = 0; ; retry++) {
      const { error, isRetryable, headers, body } = await this.attempt(url, request)
      if (!error) return { headers, body }
      if (!isRetryable || retry >= this.maxRetries) throw error
      const delay = delayBefore(retry, headers?.get('retry-after'))
      if (delay === undefined) throw error
      await this.sleep(delay)
    }
  }

  /** One idempotency key serves all attempts of a call. */
  buildRequest(method, path, { idempotency_key: key = randomUUID(), ...params }) {
    const url = new URL(this.baseUrl + path)
    const headers = { Accept: 'application/json', Authorization: `Bearer ${this.secretKey}` }
    const request = { method, headers, redirect: 'manual' }
    if (method === 'GET') {
      for (const [name, value] of queryEntries(params)) url.searchParams.append(name, value)
    } else if (Object.keys(params).length) {
      headers['Content-Type'] = 'application/json'
      request.body = JSON.stringify(params, withWholeSeconds)
    }
    if (method === 'POST') headers['Idempotency-Key'] = key
    return [url, request]
  }

  async attempt(url, request) {
    let response, text
    try {
      response = await this.fetch(url, { ...request, signal: AbortSignal.timeout(this.timeout) })
      text = await response.text()
    } catch (cause) {
      const message = `No answer from ${url.origin}: ${reasonOf(cause)}`
      return { error: new ConnectionError(message, { cause }), isRetryable: true }
    }
    const { status, headers } = response
    const body = parseJson(text)
    if (status >= 300) {
      const error = errorFrom(status, body, headers.get('request-id') ?? undefined)
      return { error, isRetryable: isRetryable(status, body), headers }
    }
    if (body === undefined) {
      throw new PayGateError(`${url.origin} answered ${status} without JSON: check the base URL.`)
    }
    return { headers, body }
  }
}

/** `created_at: { gte: 1 }` becomes `created_at[gte]=1`. Undefined and null are left out. */
function queryEntries(params) {
  return Object.entries(params).flatMap(([name, value]) => {
    if (value === undefined || value === null) return []
    if (value instanceof Date) return [[name, isoSeconds(value)]]
    if (typeof value !== 'object') return [[name, String(value)]]
    return queryEntries(
      Object.fromEntries(Object.entries(value).map(([key, inner]) => [`${name}[${key}]`, inner])),
    )
  })
}

function isoSeconds(date) {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** A replacer for JSON.stringify: `toJSON` of a Date has run already, so it reads the holder. */
function withWholeSeconds(name, value) {
  return this[name] instanceof Date ? isoSeconds(this[name]) : value
}

function parseJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reasonOf(error) {
  if (error.name === 'TimeoutError') return 'it took too long'
  return error.cause?.message || error.message
}

module.exports = { Transport }
