/**
 * How events change the run of loaded messages. Idempotent: an event may be folded into a page that contains its effect already.
 */

import type { ChatEvent } from '@/contract/events'
import type { Message, Reaction } from '@/contract/model'

type Messages = readonly Message[]

/** This will fold one event into the messages; the same list comes back when nothing changed. */
export function foldMessages(messages: Messages, event: ChatEvent): Messages {
  switch (event.kind) {
    case 'message.created':
      return insert(messages, event.data)
    case 'message.edited':
    case 'message.deleted':
      return change(messages, event.data.id, (known) => newer(known, event.data))
    case 'reaction.added':
    case 'reaction.removed':
      return change(messages, event.data.message_id, (known) => react(known, event.kind === 'reaction.added', event.data))
    case 'message.pinned':
    case 'message.unpinned':
      return change(messages, event.data.message_id, (known) => ({ ...known, pinned: event.kind === 'message.pinned' }))
    default:
      return messages
  }
}

/** This will join two runs into one, without doubles; of a double the one in `kept` stays. */
export function joinRuns(kept: Messages, older: Messages): Messages {
  const first = kept[0]?.seq ?? Infinity
  return [...older.filter((message) => message.seq < first), ...kept]
}

function insert(messages: Messages, message: Message): Messages {
  const latest = messages.at(-1)
  if (!latest || latest.seq < message.seq) return [...messages, message]
  if (messages.some((known) => known.id === message.id)) return messages
  return [...messages, message].sort((a, b) => a.seq - b.seq)
}

function change(messages: Messages, id: string, to: (known: Message) => Message): Messages {
  const at = messages.findLastIndex((message) => message.id === id)
  const known = messages[at]
  if (!known) return messages
  const changed = to(known)
  return changed === known ? messages : messages.with(at, changed)
}

/** A tombstone is final, and a page may hold a later edit than the event under way. */
function newer(known: Message, incoming: Message): Message {
  if (known.deleted_at && !incoming.deleted_at) return known
  if (!incoming.deleted_at && known.edited_at && incoming.edited_at && known.edited_at > incoming.edited_at) return known
  return incoming
}

function react(message: Message, added: boolean, { emoji, user_id }: { emoji: string; user_id: string }): Message {
  const before = message.reactions.find((reaction) => reaction.emoji === emoji)
  const others = (before?.user_ids ?? []).filter((id) => id !== user_id)
  const users = added ? [...others, user_id] : others
  if (added === (before?.user_ids.includes(user_id) ?? false)) return message
  const after: Reaction = { emoji, count: users.length, user_ids: users }
  if (!before) return { ...message, reactions: [...message.reactions, after] }
  const reactions = message.reactions.map((reaction) => (reaction === before ? after : reaction))
  return { ...message, reactions: reactions.filter((reaction) => reaction.count > 0) }
}
