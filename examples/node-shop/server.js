// A shop that sells through PayGate. The three handlers are those of PayGate's documentation; README.md
// shows the two lines that differ.
'use strict'

const path = require('node:path')
const esbuild = require('esbuild')
const express = require('express')
const { PayGate, Webhook, WebhookSignatureError } = require('@checkout/paygate')

const paygate = new PayGate() // PAYGATE_SECRET_KEY and PAYGATE_BASE_URL
const orders = new Map() // a real shop stores its orders in a database
let secret

const app = express()
// The signature of a webhook is over the bytes of its body, so this has to precede express.json().
app.use('/webhooks', express.raw({ type: 'application/json' }))
app.use(express.json())

app.post('/webhooks', async (req, res) => {
  const signature = req.get('X-PayGate-Signature')
  const event = Webhook.constructEvent(req.body, signature, secret)
  if (event.type === 'checkout.session.completed') {
    const session = event.data.object
    // Fulfill the order
    await fulfillOrder(session.metadata.order_id)
    // Optionally send confirmation email
    await sendConfirmationEmail(session.customer_email)
  }
  res.json({ received: true })
})

app.post('/create-checkout', async (req, res) => {
  const { orderId, amount } = req.body
  const session = await paygate.checkout.sessions.create({
    amount,
    currency: 'GHS',
    success_url: `${process.env.FRONTEND_URL}/success?session_id={CHECKOUT_SESSION_ID}`,
    cancel_url: `${process.env.FRONTEND_URL}/cart`,
    metadata: { order_id: orderId }
  })
  res.json({ checkoutUrl: session.url })
})

// Success page verification
app.get('/verify-session', async (req, res) => {
  const { session_id } = req.query
  const session = await paygate.checkout.sessions.retrieve(session_id)
  if (session.status === 'complete' && session.payment_status === 'paid') {
    res.json({ success: true, orderId: session.metadata.order_id })
  } else {
    res.json({ success: false })
  }
})

// ---------------------------------------------------------------- what the documentation leaves out

/** A webhook may arrive twice, so fulfilling an order again has to change nothing. */
async function fulfillOrder(orderId) {
  orders.set(orderId, 'fulfilled')
}

async function sendConfirmationEmail(address) {
  console.log(address ? 'A confirmation is on its way.' : 'No address to confirm to.')
}

app.get('/orders/:id', (req, res) => {
  res.json({ state: orders.get(req.params.id) ?? 'waiting' })
})

app.get('/app.js', (req, res) => {
  res.type('js').send(script)
})

app.get(['/', '/cart', '/success'], (req, res) => {
  res.sendFile(path.join(__dirname, 'web/index.html'))
})

app.use((error, req, res, next) => {
  if (!(error instanceof WebhookSignatureError)) return next(error)
  return res.status(400).json({ error: error.message })
})

const script = esbuild.buildSync({
  entryPoints: [path.join(__dirname, 'web/main.jsx')],
  bundle: true,
  minify: true,
  write: false,
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
}).outputFiles[0].text

/** Registers this shop's webhook endpoint. Its secret is shown only once, so each start makes a new one. */
async function subscribe(url) {
  const old = []
  for await (const each of paygate.webhooks.list()) if (each.url === url) old.push(each.id)
  const events = ['checkout.session.completed']
  secret = (await paygate.webhooks.create({ url, events })).secret
  for (const id of old) await paygate.webhooks.delete(id)
}

const server = app.listen(Number(process.env.PORT ?? 4000), '127.0.0.1', async (error) => {
  if (error) throw error
  const url = `http://127.0.0.1:${server.address().port}`
  process.env.FRONTEND_URL ??= url
  await subscribe(`${url}/webhooks`)
  console.log(`the shop is open: ${url}`)
})
