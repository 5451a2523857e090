import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { CheckoutButton } from './CheckoutButton.jsx'

/** One print for 50 cedis. The order's id is random, so that two shoppers have two orders. */
function Cart() {
  const [orderId] = useState(() => crypto.randomUUID())
  return (
    <>
      <h1>Accra Prints</h1>
      <p>A print of Jamestown lighthouse, GH₵ 50.00</p>
      <CheckoutButton orderId={orderId} amount={5000} />
    </>
  )
}

function Success({ sessionId }) {
  const [verified, setVerified] = useState()
  useEffect(() => {
    fetch(`/verify-session?session_id=${encodeURIComponent(sessionId)}`)
      .then((response) => response.json())
      .then(setVerified)
  }, [sessionId])
  if (!verified) return <p>One moment …</p>
  return verified.success ? <h1>Thank you for order {verified.orderId}</h1> : <h1>Not paid yet</h1>
}

const sessionId = new URLSearchParams(window.location.search).get('session_id')
createRoot(document.getElementById('shop')).render(
  window.location.pathname === '/success' ? <Success sessionId={sessionId} /> : <Cart />,
)
