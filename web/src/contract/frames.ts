/**
 * The frames of `chatire.v1` (docs/protocol.md section 5), as types. No behaviour.
 */

import type { ChatEvent } from '@/contract/events'
import type { ConversationKind } from '@/contract/model'

export const SUBPROTOCOL = 'chatire.v1'
/** How many cursors one `auth` or `resume` may carry. */
export const CURSORS_PER_FRAME = 500

export type Cursors = Record<string, number>
export type Epochs = Record<string, string>

export type ClientFrame =
  | { type: 'auth'; token: string; cursors?: Cursors; epochs?: Epochs }
  | { type: 'resume'; cursors: Cursors; epochs?: Epochs }
  | { type: 'send'; id: string; conversation: string; body: string; reply_to?: string }
  | { type: 'read'; conversation: string; seq: number }
  | { type: 'typing'; conversation: string; state: TypingState }
  | { type: 'ping'; n: number }

export type TypingState = 'started' | 'stopped'

export interface ReadyConversation {
  id: string
  kind: ConversationKind
  epoch: string
  visible_from_seq: number
  last_seq: number
  read_seq: number
}

export interface ReadyFrame {
  type: 'ready'
  user: { id: string; username: string; display_name: string }
  session: { id: string; expires_at: string }
  heartbeat: number
  conversations: ReadyConversation[]
}

export interface ErrorFrame {
  type: 'error'
  code: string
  detail: string
  id: string | null
  retryable: boolean
  retry_after_ms: number | null
}

export type ServerFrame =
  | ReadyFrame
  | ErrorFrame
  | { type: 'event'; event: ChatEvent }
  | { type: 'events'; conversation: string; events: ChatEvent[] }
  | { type: 'ack'; id: string; conversation: string; seq: number; message_id: string }
  | { type: 'joined'; conversation: string; last_seq: number; visible_from_seq: number }
  | { type: 'left'; conversation: string }
  | { type: 'read'; conversation: string; user: string; seq: number }
  | { type: 'typing'; conversation: string; user: string; active: boolean }
  | { type: 'presence'; user: string; status: string }
  | { type: 'resync'; conversation: string; last_seq: number }
  | { type: 'session'; expires_at: string }
  | { type: 'pong'; n: number }
  | { type: 'bye'; reason: string; reconnect_after_ms: number }
