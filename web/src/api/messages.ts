/**
 * Calls about messages and the event log.
 */

import { http } from '@/api/client'
import type { ChatEvent } from '@/contract/events'
import type { Message, MessagePage } from '@/contract/model'
import { readEvent, readMessage } from '@/realtime/eventCodec'
import { arrayOf, flag, type Fields } from '@/realtime/fields'

const PAGE = 50
const EVENTS = 500

const conversation = (id: string, rest: string) => `/api/conversations/${encodeURIComponent(id)}/${rest}`
const message = (id: string, rest = '') => `/api/messages/${encodeURIComponent(id)}/${rest}`

/** This will fetch the newest page, or the one before `before`. */
export async function fetchMessages(id: string, before?: number): Promise<MessagePage> {
  const page = await http.request<Fields>('GET', conversation(id, 'messages/'), { query: { before, limit: PAGE } })
  return { messages: arrayOf(page['messages'], readMessage), has_before: flag(page, 'has_before'), has_after: flag(page, 'has_after') }
}

/** This will fetch what follows `after` in the log. */
export async function fetchEvents(id: string, after: number): Promise<{ events: ChatEvent[]; lastSeq: number }> {
  const page = await http.request<{ events: Fields[]; last_seq: number }>('GET', conversation(id, 'events/'), { query: { after, limit: EVENTS } })
  return { events: arrayOf(page.events, (event) => readEvent({ conversation: id, ...event })), lastSeq: page.last_seq }
}

export function editMessage(id: string, body: string): Promise<Message> {
  return http.request('PATCH', message(id), { body: { body } })
}

export function deleteMessage(id: string): Promise<void> {
  return http.request('DELETE', message(id))
}


export function postRead(id: string, seq: number): Promise<{ read_seq: number }> {
  return http.request('POST', conversation(id, 'read/'), { body: { seq } })
}
