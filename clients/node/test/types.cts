// Compiled by `npm test`, never run: the same package as CommonJS.
import paygate = require('@checkout/paygate')

const client = new paygate.PayGate()
export const deleted: Promise<paygate.Deleted> = client.webhooks.delete('we_1')
