import type { PayGate, Session } from './index.js'

/**
 * Starts the service on a free port, with an empty store in memory.
 *
 * `repository` is the folder of the service's repository: CHECKOUT_REPOSITORY, or the one that this
 * package is linked from.
 */
export function startDevstack(options?: { repository?: string }): Promise<Devstack>

export interface Devstack {
  readonly url: string
  readonly secretKey: string
  /** A client of its demo merchant. */
  readonly paygate: PayGate
  /** Its time in epoch seconds; webhooks are signed with it. */
  now(): Promise<number>
  /** Moves its clock forward, and waits until what is due then has happened. */
  advance(seconds: number): Promise<void>
  /** Pays by card as a shopper does on the hosted page, and returns the session. */
  pay(sessionId: string, card?: string): Promise<Session>
  payByPhone(sessionId: string, phone: string): Promise<Session>
  stop(): Promise<void>
}
