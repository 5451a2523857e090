// A merchant's test with the Node helper; tests/clients/test_devstack_helpers.py runs it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startDevstack } from '@checkout/paygate/testing'

let devstack
before(async () => { devstack = await startDevstack() })
after(() => devstack.stop())

test('an order is paid, and another expires', async () => {
  const { sessions } = devstack.paygate.checkout
  assert.deepEqual((await sessions.list()).data, [])
  const url = 'https://shop.example.com/'
  const create = () => sessions.create({ amount: 5000, success_url: url, cancel_url: url })
  const [paid, byPhone, forgotten] = [await create(), await create(), await create()]

  assert.equal((await devstack.pay(paid.id)).status, 'complete')
  assert.equal((await devstack.payByPhone(byPhone.id, '0240000001')).status, 'complete')
  const earlier = await devstack.now()
  await devstack.advance(86_400)

  assert.ok((await devstack.now()) - earlier >= 86_400)
  assert.equal((await sessions.retrieve(forgotten.id)).status, 'expired')
  await assert.rejects(devstack.pay(forgotten.id), /is not open/)
})
