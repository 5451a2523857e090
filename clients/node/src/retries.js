'use strict'

const FIRST_DELAY = 0.5
const LONGEST_DELAY = 8
const LONGEST_RETRY_AFTER = 60

/** Whether an answer may be another one a moment later. `body` is its JSON, if it has any. */
function isRetryable(status, body) {
  const inProgress = status === 409 && /_in_progress$/.test(body?.error?.code ?? '')
  return inProgress || status === 429 || status >= 500
}

/**
 * Seconds to wait before retry number `retry`, from 0 on. Half of the delay is random, so that many
 * clients do not return at once. `retryAfter` is the header of the answer, in seconds or as a date.
 * Undefined if the answer asks for more than a minute: then the caller gets the error instead.
 */
function delayBefore(retry, retryAfter, now = Date.now()) {
  const longest = Math.min(FIRST_DELAY * 2 ** retry, LONGEST_DELAY)
  const backoff = longest * (0.5 + Math.random() / 2)
  const asked = readRetryAfter(retryAfter, now)
  return asked > LONGEST_RETRY_AFTER ? undefined : Math.max(backoff, asked)
}

function readRetryAfter(header, now) {
  if (!header) return 0
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000
  return Number.isNaN(seconds) ? 0 : seconds
}

module.exports = { isRetryable, delayBefore }
