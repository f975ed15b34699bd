/**
 * The read marker: it only moves forward, and the counts follow it exactly where the messages are at hand.
 */

import type { LogState } from '@/realtime/log'

/** This will move the marker to `seq`; a state that cannot count the rest itself says it is stale. */
export function markRead(state: LogState, seq: number): LogState {
  const { conversation } = state
  if (seq <= conversation.read_seq) return state
  if (conversation.unread_count === 0) return { ...state, conversation: { ...conversation, read_seq: seq } }
  const counted = countAfter(state, seq)
  return { ...state, conversation: { ...conversation, ...counted, read_seq: seq }, stale: state.stale || counted === null }
}

function countAfter(state: LogState, seq: number): { unread_count: number; mention_count: number } | null {
  if (seq >= Math.max(state.cursor, state.conversation.last_seq)) return { unread_count: 0, mention_count: 0 }
  const complete = state.opened && state.counted <= state.cursor && (!state.hasBefore || (state.messages[0]?.seq ?? Infinity) <= seq + 1)
  if (!complete) return null
  const unread = state.messages.filter(
    (message) => message.seq > seq && message.seq <= state.counted && message.sender.id !== state.me && !message.deleted_at,
  )
  return { unread_count: unread.length, mention_count: unread.filter((message) => message.mentions.includes(state.me)).length }
}
