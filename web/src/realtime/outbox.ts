/**
 * What this person sent and the server has not confirmed. Pure: every function gives a new list. In each conversation one message is
 * on its way at a time, so the order on screen is the order in the log, whatever fails in between; a message keeps its id for ever,
 * so sending it again can never double it.
 */

import type { Message } from '@/contract/model'

export type OutboxState = 'queued' | 'sending' | 'acked' | 'failed'

export interface OutboxItem {
  readonly id: string
  readonly conversation: string
  readonly body: string
  readonly replyTo: string | null
  readonly createdAt: string
  readonly state: OutboxState
  readonly seq: number | null
  readonly attempts: number
  /** Not before this instant (milliseconds). */
  readonly notBefore: number
  readonly error: string | null
}

export type Outbox = readonly OutboxItem[]

/** After so many retryable refusals it is the person who decides. */
export const MAX_ATTEMPTS = 6
/** A frame that got no answer for so long is sent again. */
export const ACK_TIMEOUT_MS = 15_000
const RETRY_BASE_MS = 500

export type Draft = Pick<OutboxItem, 'id' | 'conversation' | 'body' | 'replyTo' | 'createdAt'>

/** This will queue a message behind the others. */
export function enqueue(outbox: Outbox, draft: Draft): Outbox {
  if (outbox.some((item) => item.id === draft.id)) return outbox
  return [...outbox, { ...draft, state: 'queued', seq: null, attempts: 0, notBefore: 0, error: null }]
}

/** This will name what may be sent now: the first waiting one of each conversation in which nothing is on its way. */
export function due(outbox: Outbox, now: number): OutboxItem[] {
  return heads(outbox).filter((item) => item.notBefore <= now)
}

/** This will say when `due` has something next, or `null`. */
export function nextDue(outbox: Outbox): number | null {
  const waiting = heads(outbox)
  return waiting.length ? Math.min(...waiting.map((item) => item.notBefore)) : null
}

/** The first of each conversation that is neither confirmed nor given up. */
function heads(outbox: Outbox): OutboxItem[] {
  const seen = new Set<string>()
  return outbox.filter((item) => {
    if (item.state === 'acked' || item.state === 'failed' || seen.has(item.conversation)) return false
    seen.add(item.conversation)
    return true
  })
}

/** This will mark one as handed to the connection; without an answer it is due again later. */
export function markSending(outbox: Outbox, id: string, now: number): Outbox {
  return change(outbox, id, (item) => ({ ...item, state: 'sending', notBefore: now + ACK_TIMEOUT_MS }))
}

/** This will note the confirmation. The item stays as a sent row until its event arrives. */
export function markAcked(outbox: Outbox, id: string, seq: number): Outbox {
  return change(outbox, id, (item) => ({ ...item, state: 'acked', seq, error: null }))
}

export interface Refusal {
  detail: string
  retryable: boolean
  retryAfterMs: number | null
}

/** This will note a refusal: wait and try again, or leave it to the person. */
export function markRefused(outbox: Outbox, id: string, refusal: Refusal, now: number): Outbox {
  return change(outbox, id, (item) => {
    if (item.state === 'acked') return item
    const attempts = item.attempts + 1
    if (!refusal.retryable || attempts >= MAX_ATTEMPTS) return { ...item, state: 'failed', attempts, error: refusal.detail }
    const delay = refusal.retryAfterMs ?? RETRY_BASE_MS * 2 ** attempts
    return { ...item, state: 'queued', attempts, notBefore: now + delay }
  })
}

/** This will put everything on its way back in the queue: the connection is gone, and with it any answer. */
export function requeue(outbox: Outbox): Outbox {
  return outbox.map((item) => (item.state === 'sending' ? { ...item, state: 'queued', notBefore: 0 } : item))
}

/** This will queue a failed one again, under its own id, behind the others of its conversation. */
export function retry(outbox: Outbox, id: string): Outbox {
  const item = outbox.find((other) => other.id === id)
  if (item?.state !== 'failed') return outbox
  return [...remove(outbox, id), { ...item, state: 'queued', attempts: 0, notBefore: 0, error: null }]
}

export function remove(outbox: Outbox, id: string): Outbox {
  return outbox.filter((item) => item.id !== id)
}

export function removeConversation(outbox: Outbox, conversation: string): Outbox {
  return outbox.filter((item) => item.conversation !== conversation)
}

/** This will drop what has appeared in the log: the message itself is the best confirmation. */
export function settle(outbox: Outbox, messages: readonly Message[], me: string): Outbox {
  if (outbox.length === 0) return outbox
  const arrived = new Set(messages.filter((message) => message.sender.id === me).map((message) => message.client_id))
  return outbox.some((item) => arrived.has(item.id)) ? outbox.filter((item) => !arrived.has(item.id)) : outbox
}

function change(outbox: Outbox, id: string, to: (item: OutboxItem) => OutboxItem): Outbox {
  return outbox.map((item) => (item.id === id ? to(item) : item))
}
