/**
 * What was sent and is not confirmed yet, for all conversations; survives any number of reconnects, and a reload of this tab.
 */

import { defineStore } from 'pinia'
import { shallowRef, watch } from 'vue'

import type { ChatEvent } from '@/contract/events'
import type { ClientFrame } from '@/contract/frames'
import * as outbox from '@/realtime/outbox'
import { fromText, toText } from '@/realtime/outboxMemory'
import { useSessionStore } from '@/stores/useSessionStore'

type Transmit = (frame: ClientFrame) => boolean

/** In the tab's own storage: another tab has an outbox of its own, and the browser forgets both with the tab. */
const MEMORY = 'chatire.outbox'

export const useOutboxStore = defineStore('outbox', () => {
  const session = useSessionStore()
  const items = shallowRef<outbox.Outbox>([])
  let transmit: Transmit = () => false
  let timer: ReturnType<typeof setTimeout> | undefined

  watch(items, remember, { flush: 'sync' })

  function remember(): void {
    const said = toText(items.value, session.me)
    try {
      if (said === null) sessionStorage.removeItem(MEMORY)
      else sessionStorage.setItem(MEMORY, said)
    } catch {
      // A browser that lends no storage, or no more of it: the outbox ends with the page, which warns before it is closed.
    }
  }

  /** Take up what this tab was about to send before it was loaded anew; it goes with the next connection. */
  function restore(): void {
    try {
      items.value = fromText(sessionStorage.getItem(MEMORY), session.me)
    } catch {
      items.value = []
    }
  }

  /** The connection plugs itself in; what it answers says whether the frame went out. */
  function connect(value: Transmit): void {
    transmit = value
  }

  /** Send whatever may be sent now, and wake up when there will be more. */
  function flush(): void {
    const now = Date.now()
    for (const item of outbox.due(items.value, now)) {
      const frame: ClientFrame = { type: 'send', id: item.id, conversation: item.conversation, body: item.body }
      if (item.replyTo) frame.reply_to = item.replyTo
      if (!transmit(frame)) return
      items.value = outbox.markSending(items.value, item.id, now)
    }
    const next = outbox.nextDue(items.value)
    clearTimeout(timer)
    if (next !== null) timer = setTimeout(flush, Math.max(50, next - now))
  }

  function change(to: (items: outbox.Outbox) => outbox.Outbox): void {
    items.value = to(items.value)
    flush()
  }

  function post(conversation: string, body: string, replyTo: string | null = null): void {
    const draft = { id: crypto.randomUUID(), conversation, body, replyTo, createdAt: new Date().toISOString() }
    change((all) => outbox.enqueue(all, draft))
  }

  function acked(id: string, seq: number): void {
    change((all) => outbox.markAcked(all, id, seq))
  }

  function refused(id: string, refusal: outbox.Refusal): void {
    change((all) => outbox.markRefused(all, id, refusal, Date.now()))
  }

  /** The connection is gone: everything on its way goes again on the next one. */
  function lost(): void {
    clearTimeout(timer)
    items.value = outbox.requeue(items.value)
  }

  /** Drop what the log has by now. */
  function settle(conversation: string, cursor: number, applied: readonly ChatEvent[] = []): void {
    if (items.value.length === 0) return
    const messages = applied.flatMap((event) => (event.kind === 'message.created' ? [event.data] : []))
    const left = outbox.settle(items.value, messages, session.me)
    const next = left.filter((item) => item.conversation !== conversation || item.state !== 'acked' || (item.seq ?? 0) > cursor)
    if (next.length !== items.value.length) change(() => next)
  }

  const retry = (id: string) => change((all) => outbox.retry(all, id))
  const discard = (id: string) => change((all) => outbox.remove(all, id))
  const forgetConversation = (id: string) => change((all) => outbox.removeConversation(all, id))

  /** Drop what was meant for conversations that this person has left meanwhile. */
  function keepOnly(isMine: (conversation: string) => boolean): void {
    if (!items.value.every((item) => isMine(item.conversation))) items.value = items.value.filter((item) => isMine(item.conversation))
  }

  function clear(): void {
    clearTimeout(timer)
    items.value = []
  }

  return { items, connect, restore, flush, post, acked, refused, lost, settle, retry, discard, forgetConversation, keepOnly, clear }
})
