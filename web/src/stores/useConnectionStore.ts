/**
 * The one WebSocket of this page: carries frames between the server and the stores, and says how the connection is.
 */

import { defineStore } from 'pinia'
import { ref, watch } from 'vue'

import { SUBPROTOCOL, type ReadyFrame, type ServerFrame } from '@/contract/frames'
import { createDriver, type SocketEvents, type SocketPort } from '@/realtime/driver'
import type { Phase } from '@/realtime/machine'
import { useConversationsStore } from '@/stores/useConversationsStore'
import { useOutboxStore } from '@/stores/useOutboxStore'
import { useSessionStore } from '@/stores/useSessionStore'
import { useTypingStore } from '@/stores/useTypingStore'

export const useConnectionStore = defineStore('connection', () => {
  const session = useSessionStore()
  const conversations = useConversationsStore()
  const outbox = useOutboxStore()
  const typing = useTypingStore()
  const phase = ref<Phase>('idle')
  const retryAt = ref<number | null>(null)
  const stopMessage = ref<string | null>(null)

  const driver = createDriver({
    now: () => Date.now(),
    random: () => Math.random(),
    openSocket,
    later(ms, wake) {
      const timer = setTimeout(wake, ms)
      return () => clearTimeout(timer)
    },
    token: (fresh) => session.tokenFor(fresh),
    positions: () => conversations.list.map((log) => ({ conversation: log.conversation.id, cursor: log.cursor, epoch: log.conversation.epoch })),
    ready,
    deliver,
    lost() {
      outbox.lost()
      typing.clear()
    },
    signOut: () => session.forget('You were signed out because this session was ended.'),
    changed(state) {
      phase.value = state.phase
      retryAt.value = state.phase === 'waiting' ? state.deadline : null
      stopMessage.value = state.stopMessage
    },
  })

  function ready(frame: ReadyFrame): void {
    const mine = new Set(frame.conversations.map((item) => item.id))
    for (const log of conversations.list) if (!mine.has(log.conversation.id)) leave(log.conversation.id)
    for (const item of frame.conversations) {
      const log = conversations.get(item.id)
      const readHere = log?.conversation.read_seq ?? 0
      if (log?.stale) conversations.refetch(item.id)
      if (!log) conversations.joined(item.id, item.last_seq)
      else if (readHere > item.read_seq && item.last_seq > item.read_seq) driver.send({ type: 'read', conversation: item.id, seq: readHere })
      else conversations.read(item.id, item.read_seq)
    }
    outbox.keepOnly((id) => mine.has(id) || conversations.get(id) !== undefined)
    outbox.flush()
  }

  function deliver(frame: ServerFrame): void {
    switch (frame.type) {
      case 'event':
        return conversations.apply(frame.event.conversation, [frame.event])
      case 'events':
        return conversations.apply(frame.conversation, frame.events)
      case 'ack':
        outbox.acked(frame.id, frame.seq)
        return outbox.settle(frame.conversation, conversations.get(frame.conversation)?.cursor ?? 0)
      case 'error':
        if (frame.id) outbox.refused(frame.id, { detail: frame.detail, retryable: frame.retryable, retryAfterMs: frame.retry_after_ms })
        return
      case 'joined':
        return conversations.joined(frame.conversation, frame.last_seq)
      case 'left':
        return leave(frame.conversation)
      case 'read':
        return frame.user === session.me ? conversations.read(frame.conversation, frame.seq) : undefined
      case 'typing':
        return typing.note(frame.conversation, frame.user, frame.active)
      case 'resync':
        conversations.resync(frame.conversation, frame.last_seq)
        return outbox.settle(frame.conversation, frame.last_seq)
    }
  }

  function leave(id: string): void {
    conversations.drop(id)
    outbox.forgetConversation(id)
  }

  /** Mark as read here at once, and tell the server now or after the next `ready`. */
  function markRead(id: string, seq: number): void {
    if (seq <= (conversations.get(id)?.conversation.read_seq ?? seq)) return
    conversations.read(id, seq)
    driver.send({ type: 'read', conversation: id, seq })
  }

  conversations.onApplied((id, applied) => {
    for (const event of applied) if (event.kind === 'message.created') typing.note(id, event.data.sender.id, false)
    outbox.settle(id, conversations.get(id)?.cursor ?? 0, applied)
  })
  outbox.connect((frame) => driver.send(frame))
  typing.connect((frame) => driver.send(frame))
  watch(() => session.access, (token) => token && driver.renew(token), { flush: 'sync' })

  return { phase, retryAt, stopMessage, markRead, start: driver.start, stop: driver.stop, hurry: driver.hurry }
})

function openSocket(events: SocketEvents): SocketPort {
  const url = new URL('/ws', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(url, SUBPROTOCOL)
  socket.onopen = () => events.opened()
  socket.onmessage = (message) => events.message(message.data)
  socket.onclose = (close) => events.closed(close.code)
  return { send: (text) => socket.send(text), close: (code) => socket.close(code) }
}
