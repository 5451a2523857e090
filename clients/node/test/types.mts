// Compiled by `npm test`, never run: an integration in TypeScript, as an ES module.
import PayGate, { ApiError, Webhook, type Session } from '@checkout/paygate'

const paygate = new PayGate('sk_test_x', { baseUrl: 'http://127.0.0.1:3000' })

const session: Session = await paygate.checkout.sessions.create({
  amount: 5000,
  success_url: 'https://example.com/',
  cancel_url: 'https://example.com/',
  metadata: { order_id: 1234 },
})
for await (const { amount } of paygate.checkout.sessions.list({ status: 'complete' })) {
  amount.toFixed()
}
const page = await paygate.events.list({ created_at: { gte: new Date() } })
for (const event of page.data) describe(event)
const expired = await paygate.checkout.sessions.expire(session.id).catch((error: unknown) => {
  if (error instanceof ApiError) return error.requestId
  throw error
})
describe(Webhook.constructEvent(Buffer.from('{}'), undefined, 'whsec_x', { now: 1 }))

/** The type of the event decides what its object is. */
function describe(event: import('@checkout/paygate').Event): string {
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.expired':
      return event.data.object.payment_status
    case 'payment.succeeded':
    case 'payment.failed':
      return event.data.object.payment_method
    case 'refund.created':
    case 'refund.updated':
      return event.data.object.payment
  }
}

// @ts-expect-error the amount is required
paygate.checkout.sessions.create({ success_url: '', cancel_url: '' })
// @ts-expect-error a parsed body is refused by the compiler too
Webhook.constructEvent({}, 't=1,v1=00', 'whsec_x')
// @ts-expect-error there is no such event
paygate.webhooks.create({ url: '', events: ['payment.created'] })

export { expired }
