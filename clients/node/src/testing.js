'use strict'

const { spawn } = require('node:child_process')
const { existsSync } = require('node:fs')
const path = require('node:path')
const { createInterface } = require('node:readline')
const { PayGate, PayGateError } = require('./index.js')

const SECRET_KEY = 'sk_test_paygate' // a demo key, which only devstack has
const APPROVED_CARD = '4242424242424242'
/** The token of the form to pay. Other screens have forms to end a payment or choose a language. */
const PAY_FORM = /<main data-state="open".*?name="token" value="(\w+)"/s

/** A running service. `paygate` is a client of its demo merchant. */
class Devstack {
  constructor(url, child) {
    this.url = url
    this.secretKey = SECRET_KEY
    this.paygate = new PayGate(SECRET_KEY, { baseUrl: url })
    Object.defineProperty(this, 'child', { value: child })
  }

  async now() {
    return (await this.callClock()).now
  }

  async advance(seconds) {
    await this.callClock({ method: 'POST', body: JSON.stringify({ advance: seconds }) })
  }

  async pay(sessionId, card = APPROVED_CARD) {
    return this.submit(sessionId, { method: 'card', number: card, expiry: '12/40', code: '123' })
  }

  async payByPhone(sessionId, phone) {
    return this.submit(sessionId, { method: 'mobile_money', phone })
  }

  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = new Promise((done) => this.child.once('exit', done))
    this.child.kill()
    await ended
  }

  async callClock(request) {
    const response = await fetch(`${this.url}/dev/clock`, request)
    const body = await response.json()
    if (!response.ok) throw new PayGateError(body.error.message)
    return body
  }

  async submit(sessionId, form) {
    const page = `${this.url}/checkout/${encodeURIComponent(sessionId)}`
    const html = await (await fetch(page)).text()
    const token = PAY_FORM.exec(html)?.[1]
    if (!token) throw new PayGateError(`${sessionId} can't be paid now: the session is not open.`)
    const body = new URLSearchParams({ ...form, token })
    const { status } = await fetch(page, { method: 'POST', body, redirect: 'manual' })
    if (status !== 303) throw new PayGateError(`The page refused the payment with ${status}.`)
    return this.paygate.checkout.sessions.retrieve(sessionId)
  }
}

/** Starts the service on a free port, with an empty store in memory. */
async function startDevstack({ repository = findRepository() } = {}) {
  const paths = [path.join(repository, 'layers/checkout'), repository].join(path.delimiter)
  const settings = { ENGINE: 'moto', PORT: '0', HOST: '127.0.0.1', PYTHONPATH: paths }
  const child = spawn(path.join(repository, '.venv/bin/python'), ['-m', 'devstack'], {
    cwd: repository,
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill())
  return new Devstack(await readUrl(child), child)
}

function findRepository() {
  const named = process.env.CHECKOUT_REPOSITORY
  // This file is in clients/node/src of the repository, unless it was copied out of it.
  const repository = named ?? path.resolve(__dirname, '../../..')
  if (existsSync(path.join(repository, 'devstack/__main__.py'))) return repository
  throw new PayGateError(`${repository} is not the service's repository: set CHECKOUT_REPOSITORY.`)
}

/** Its lines are read until it ends: a full pipe would block it. */
function readUrl(child) {
  return new Promise((done, fail) => {
    const advice = 'The service does not start: run `make dev` once in its repository.'
    child.once('error', (cause) => fail(new PayGateError(advice, { cause })))
    child.once('exit', () => fail(new PayGateError(advice)))
    createInterface(child.stdout).on('line', (line) => {
      const started = /^checkout on (http:\/\/\S+)/.exec(line)
      if (started) done(started[1])
    })
  })
}

module.exports = { startDevstack }
