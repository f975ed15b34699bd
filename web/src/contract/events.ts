/**
 * The events of a conversation's log (docs/protocol.md section 4), as types. No behaviour.
 */

import type { Message, Role } from '@/contract/model'

export type MessageKind = 'message.created' | 'message.edited' | 'message.deleted'
export type ReactionKind = 'reaction.added' | 'reaction.removed'
export type PinKind = 'message.pinned' | 'message.unpinned'
export type MemberKind = 'member.added' | 'member.removed' | 'member.role_changed'

export interface ConversationChange {
  title?: string | null
  topic?: string | null
  archived?: boolean
}

export type EventBody =
  | { kind: MessageKind; data: Message }
  | { kind: ReactionKind; data: { message_id: string; emoji: string; user_id: string } }
  | { kind: PinKind; data: { message_id: string } }
  | { kind: MemberKind; data: { user_id: string; username: string; role: Role } }
  | { kind: 'conversation.updated'; data: ConversationChange }
  | { kind: 'conversation.deleted'; data: object }
  /** A kind this client does not know: it only moves the cursor. */
  | { kind: 'unknown'; name: string }

export interface EventEnvelope {
  conversation: string
  seq: number
  at: string
  actor: string | null
}

export type ChatEvent = EventEnvelope & EventBody
