/**
 * The things of the public contract (docs/protocol.md sections 3 and 4), as types. No behaviour.
 */

export type ConversationKind = 'direct' | 'group' | 'channel'
export type Role = 'owner' | 'admin' | 'member'

/** A person as named inside messages and member lists. */
export interface Person {
  id: string
  username: string
  display_name: string
}

/** A public profile. */
export interface Profile extends Person {
  avatar_url?: string | null
  status_text?: string | null
  active?: boolean
}

/** The caller's own account. */
export interface Account extends Person {
  email?: string
  role?: string
}

export interface Reaction {
  emoji: string
  count: number
  user_ids: string[]
}

export interface Message {
  id: string
  conversation: string
  seq: number
  client_id: string | null
  sender: Person
  /** Markdown exactly as sent; null on a tombstone. */
  body: string | null
  /** The server's sanitised rendering; null on a tombstone. */
  html: string | null
  reply_to: string | null
  attachments: unknown[]
  reactions: Reaction[]
  mentions: string[]
  pinned: boolean
  created_at: string
  edited_at: string | null
  deleted_at: string | null
}

export interface Conversation {
  id: string
  kind: ConversationKind
  title: string | null
  topic: string | null
  history: 'all' | 'since_joined'
  archived: boolean
  created_at: string
  member_count: number
  role: Role | null
  peer: Person | null
  epoch: string
  visible_from_seq: number
  last_seq: number
  read_seq: number
  unread_count: number
  mention_count: number
  last_message: Message | null
}

export interface Member {
  user: Person
  role: Role
  joined_at: string | null
}

export interface ChannelSummary {
  id: string
  title: string | null
  topic: string | null
  member_count: number
  joined: boolean
}

export interface Invite {
  code: string
  url: string
  expires_at: string | null
  max_uses: number | null
}

export interface MessagePage {
  messages: Message[]
  has_before: boolean
  has_after: boolean
}
