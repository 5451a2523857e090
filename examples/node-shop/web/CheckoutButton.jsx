import { useState } from 'react'

export function CheckoutButton({ orderId, amount }) {
  const [loading, setLoading] = useState(false)
  const handleCheckout = async () => {
    setLoading(true)
    const response = await fetch('/create-checkout', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ orderId, amount })
    })
    const { checkoutUrl } = await response.json()
    // Redirect to PayGate checkout
    window.location.href = checkoutUrl
  }
  return (
    <button onClick={handleCheckout} disabled={loading}>
      {loading ? 'Loading...' : 'Checkout'}
    </button>
  )
}
