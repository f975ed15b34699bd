/**
 * How events change a conversation's summary: counts, title, own role, last message. Not idempotent: each event is folded once,
 * and only when the summary does not contain it yet.
 */

import type { ChatEvent } from '@/contract/events'
import type { Conversation, Message } from '@/contract/model'
import { foldMessages } from '@/realtime/foldMessages'

export interface SummaryFold {
  conversation: Conversation
  gone?: boolean
  /** The event touched a mention this client never loaded: only the server can count. */
  stale?: boolean
}

/**
 * This will fold one event into the summary.
 *
 * @param known the message the event is about as it was before, if it is loaded
 */
export function foldSummary(conversation: Conversation, event: ChatEvent, me: string, known: Message | undefined): SummaryFold {
  const latest = conversation.last_message
  const after: Conversation = {
    ...conversation,
    last_seq: Math.max(conversation.last_seq, event.seq),
    last_message: latest && event.kind !== 'message.created' ? (foldMessages([latest], event)[0] ?? null) : latest,
  }
  switch (event.kind) {
    case 'message.created':
      return { conversation: foldCreated(after, event.data, me) }
    case 'message.edited':
      return foldEdited(after, event.data, me, known)
    case 'message.deleted':
      return foldDeleted(after, event.data, me, known)
    case 'member.added':
      after.member_count += 1
      if (event.data.user_id === me) return { conversation: { ...after, role: event.data.role }, gone: false }
      return { conversation: after }
    case 'member.removed':
      after.member_count -= 1
      return event.data.user_id === me ? { conversation: { ...after, role: null }, gone: true } : { conversation: after }
    case 'member.role_changed':
      if (event.data.user_id === me) after.role = event.data.role
      return { conversation: after }
    case 'conversation.updated':
      return { conversation: { ...after, ...event.data } }
    case 'conversation.deleted':
      return { conversation: after, gone: true }
    default:
      return { conversation: after }
  }
}

function foldCreated(conversation: Conversation, message: Message, me: string): Conversation {
  const after = { ...conversation, last_message: message }
  if (message.sender.id === me) return { ...after, read_seq: message.seq, unread_count: 0, mention_count: 0 }
  if (message.seq <= after.read_seq || message.seq < after.visible_from_seq) return after
  after.unread_count += 1
  if (message.mentions.includes(me)) after.mention_count += 1
  return after
}

function foldEdited(conversation: Conversation, message: Message, me: string, known: Message | undefined): SummaryFold {
  if (!counts(conversation, message, me)) return { conversation }
  if (!known) return { conversation, stale: conversation.mention_count > 0 || message.mentions.includes(me) }
  const change = Number(message.mentions.includes(me)) - Number(known.mentions.includes(me))
  return { conversation: { ...conversation, mention_count: Math.max(0, conversation.mention_count + change) } }
}

function foldDeleted(conversation: Conversation, message: Message, me: string, known: Message | undefined): SummaryFold {
  if (!counts(conversation, message, me)) return { conversation }
  const unread = Math.max(0, conversation.unread_count - 1)
  const after = { ...conversation, unread_count: unread, mention_count: Math.min(conversation.mention_count, unread) }
  if (known?.mentions.includes(me)) after.mention_count = Math.max(0, conversation.mention_count - 1)
  return { conversation: after, stale: !known && conversation.mention_count > 0 }
}

/** Whether `unread_count` has (or had) this message in it. */
function counts(conversation: Conversation, message: Message, me: string): boolean {
  return message.sender.id !== me && message.seq > conversation.read_seq && message.seq >= conversation.visible_from_seq
}
