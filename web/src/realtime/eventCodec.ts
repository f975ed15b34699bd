/**
 * Reading events and messages, whether they came in a frame or over HTTP.
 */

import type { ChatEvent, ConversationChange, EventBody, EventEnvelope } from '@/contract/events'
import type { Message, Person, Reaction } from '@/contract/model'
import { arrayOf, flag, int, isRecord, text, textOrNull, texts, type Fields } from '@/realtime/fields'

/** This will read an event; `null` when it has no place in any log. A kind nobody knows still has its `seq`. */
export function readEvent(f: Fields): ChatEvent | null {
  const [conversation, seq] = [text(f, 'conversation'), int(f, 'seq')]
  if (!conversation || seq === null || seq < 1) return null
  const envelope: EventEnvelope = { conversation, seq, at: text(f, 'at'), actor: textOrNull(f, 'actor') }
  const data = isRecord(f['data']) ? f['data'] : {}
  const body = readBody(text(f, 'kind'), data)
  return { ...envelope, ...(body ?? { kind: 'unknown', name: text(f, 'kind') }) }
}

function readBody(kind: string, data: Fields): EventBody | null {
  switch (kind) {
    case 'message.created':
    case 'message.edited':
    case 'message.deleted': {
      const message = readMessage(data)
      return message && { kind, data: message }
    }
    case 'reaction.added':
    case 'reaction.removed':
      return { kind, data: { message_id: text(data, 'message_id'), emoji: text(data, 'emoji'), user_id: text(data, 'user_id') } }
    case 'message.pinned':
    case 'message.unpinned':
      return { kind, data: { message_id: text(data, 'message_id') } }
    case 'member.added':
    case 'member.removed':
    case 'member.role_changed': {
      const role = text(data, 'role')
      return {
        kind,
        data: { user_id: text(data, 'user_id'), username: text(data, 'username'), role: role === 'owner' || role === 'admin' ? role : 'member' },
      }
    }
    case 'conversation.updated':
      return { kind, data: readChange(data) }
    case 'conversation.deleted':
      return { kind, data: {} }
    default:
      return null
  }
}

function readChange(data: Fields): ConversationChange {
  const change: ConversationChange = {}
  if ('title' in data) change.title = textOrNull(data, 'title')
  if ('topic' in data) change.topic = textOrNull(data, 'topic')
  if ('archived' in data) change.archived = flag(data, 'archived')
  return change
}

/** This will read a message; `null` when it lacks its identity. */
export function readMessage(f: Fields): Message | null {
  const [id, conversation, seq] = [text(f, 'id'), text(f, 'conversation'), int(f, 'seq')]
  if (!id || seq === null || !isRecord(f['sender'])) return null
  return {
    id,
    conversation,
    seq,
    client_id: textOrNull(f, 'client_id'),
    sender: readPerson(f['sender']),
    body: textOrNull(f, 'body'),
    html: textOrNull(f, 'html'),
    reply_to: textOrNull(f, 'reply_to'),
    attachments: Array.isArray(f['attachments']) ? f['attachments'] : [],
    reactions: arrayOf(f['reactions'], readReaction),
    mentions: texts(f['mentions']),
    pinned: flag(f, 'pinned'),
    created_at: text(f, 'created_at'),
    edited_at: textOrNull(f, 'edited_at'),
    deleted_at: textOrNull(f, 'deleted_at'),
  }
}

export function readPerson(f: Fields): Person {
  return { id: text(f, 'id'), username: text(f, 'username'), display_name: text(f, 'display_name') }
}

function readReaction(f: Fields): Reaction | null {
  const users = texts(f['user_ids'])
  return text(f, 'emoji') ? { emoji: text(f, 'emoji'), count: int(f, 'count') ?? users.length, user_ids: users } : null
}
