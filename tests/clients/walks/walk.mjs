// Calls every operation of the API. The lines that it prints are compared by tests/clients/test_walks.py.
import { ConflictError, NotFoundError, PayGate } from '@checkout/paygate'

const paygate = new PayGate()
const show = (...words) => console.log(words.join(' '))
const count = async (list) => {
  let found = 0
  for await (const _ of list) found++
  return found
}

const customer = await paygate.customers.create({ name: 'Ama', metadata: { number: '7' } })
await paygate.customers.create()
await paygate.customers.create()
show('customer', customer.name, customer.metadata.number, (await paygate.customers.retrieve(customer.id)).id === customer.id)
show('customers', (await paygate.customers.list({ limit: 1 })).data.length, (await count(paygate.customers.list({ limit: 1 }))) >= 3)

const events = ['checkout.session.completed', 'checkout.session.expired']
const endpoint = await paygate.webhooks.create({ url: 'https://shop.example.com/hooks', events })
show('webhook', endpoint.events.join(), (await paygate.webhooks.retrieve(endpoint.id)).status)
show('webhooks', (await paygate.webhooks.list()).data.some(({ id }) => id === endpoint.id))
show('updated', (await paygate.webhooks.update(endpoint.id, { description: 'Shop' })).description)
show('cleared', String((await paygate.webhooks.update(endpoint.id, { description: null })).description))
const rotated = await paygate.webhooks.rotate(endpoint.id)
show('rotated', rotated.secret.startsWith('whsec_') && rotated.secret !== endpoint.secret)
show('sample', (await paygate.webhooks.test(endpoint.id, { type: 'checkout.session.expired' })).type)

const order = {
  amount: 5000,
  success_url: 'https://shop.example.com/thanks',
  cancel_url: 'https://shop.example.com/cart',
  customer: customer.id,
  expires_at: new Date(Date.now() + 3_600_000),
}
const session = await paygate.checkout.sessions.create({ ...order, idempotency_key: `order-${customer.id}` })
const again = await paygate.checkout.sessions.create({ ...order, idempotency_key: `order-${customer.id}` })
show('session', session.status, session.currency, session.amount, again.id === session.id)
show('retrieved', (await paygate.checkout.sessions.retrieve(session.id)).customer === customer.id)
show('sessions', await count(paygate.checkout.sessions.list({ customer: customer.id, status: 'open' })))
show('expired', (await paygate.checkout.sessions.expire(session.id)).status)
const conflict = await paygate.checkout.sessions.expire(session.id).catch((error) => error)
show('conflict', conflict instanceof ConflictError, conflict.status, conflict.type, conflict.code, /^req_/.test(conflict.requestId))
const missing = await paygate.payments.retrieve('pay_1').catch((error) => error)
show('missing', missing instanceof NotFoundError, missing.status, missing.code, missing.param)

const paid = await paygate.checkout.sessions.retrieve(process.env.PAID_SESSION)
const payment = await paygate.payments.retrieve(paid.payment)
show('payment', payment.status, payment.payment_method, payment.amount)
show('payments', (await count(paygate.payments.list())) >= 1)
const refund = await paygate.refunds.create({ payment: payment.id, amount: 100, reason: 'A scratch' })
show('refund', refund.amount, refund.reason, (await paygate.refunds.retrieve(refund.id)).id === refund.id)
show('refunds', (await paygate.refunds.list({ payment: payment.id })).data.some(({ id }) => id === refund.id))

const [event] = (await paygate.events.list({ checkout_session: session.id })).data
show('event', event.type, event.sequence, event.data.object.id === session.id)
show('same event', (await paygate.events.retrieve(event.id)).request.id === event.request.id)
const resent = await paygate.events.resend(event.id, { webhook: endpoint.id })
show('resent', resent.data.length, resent.data[0].webhook === endpoint.id)
const delivery = (await paygate.events.deliveries(event.id)).data.find(({ webhook }) => webhook === endpoint.id)
show('delivery', delivery.event === event.id, Array.isArray(delivery.attempts))
const since = new Date(Date.now() - 60_000)
const resend = await paygate.events.resendRange({ created_at: { gte: since }, webhook: endpoint.id })
show('resend', resend.object, (await paygate.events.retrieveResend(resend.id)).id === resend.id)
show('deleted', (await paygate.webhooks.delete(endpoint.id)).deleted)
