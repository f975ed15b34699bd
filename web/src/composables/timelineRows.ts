/**
 * What the list of messages shows, row by row: confirmed ones, then those on their way, with day lines, the "New" line, and runs of
 * one sender drawn together. Pure.
 */

import type { Message, Person, Reaction } from '@/contract/model'
import type { OutboxItem } from '@/realtime/outbox'

export interface MessageView {
  key: string
  message: Message | null
  item: OutboxItem | null
  seq: number | null
  state: 'sent' | 'pending' | 'failed'
  own: boolean
  /** Same sender, shortly after: no name, no face. */
  continued: boolean
  sender: Person
  body: string | null
  html: string | null
  at: string
  edited: boolean
  deleted: boolean
  reactions: readonly Reaction[]
  error: string | null
}

export type Row = { type: 'day'; key: string; at: string } | { type: 'unread'; key: string } | { type: 'message'; key: string; view: MessageView }

const RUN_MS = 5 * 60_000

/** This will lay out the rows. `dividerAfter`: draw the "New" line before the first of others' messages after this `seq`. */
export function timelineRows(messages: readonly Message[], items: readonly OutboxItem[], me: Person, dividerAfter: number | null): Row[] {
  const known = new Set(messages.map((message) => message.client_id))
  const views = [...messages.map((message) => messageView(message, me)), ...items.filter((item) => !known.has(item.id)).map((item) => itemView(item, me))]
  const rows: Row[] = []
  let before: MessageView | null = null
  let divided = dividerAfter === null
  for (const view of views) {
    const newDay = !before || dayOf(before.at) !== dayOf(view.at)
    const divide = !divided && !view.own && (view.seq ?? 0) > (dividerAfter ?? Infinity)
    if (newDay) rows.push({ type: 'day', key: `day ${dayOf(view.at)} ${view.key}`, at: view.at })
    if (divide) rows.push({ type: 'unread', key: 'unread' })
    divided ||= divide
    rows.push({ type: 'message', key: view.key, view: { ...view, continued: !newDay && !divide && continues(before, view) } })
    before = view
  }
  return rows
}

function messageView(message: Message, me: Person): MessageView {
  return {
    key: message.client_id && message.sender.id === me.id ? message.client_id : message.id,
    message,
    item: null,
    seq: message.seq,
    state: 'sent',
    own: message.sender.id === me.id,
    continued: false,
    sender: message.sender,
    body: message.body,
    html: message.html,
    at: message.created_at,
    edited: message.edited_at !== null && message.deleted_at === null,
    deleted: message.deleted_at !== null,
    reactions: message.reactions,
    error: null,
  }
}

function itemView(item: OutboxItem, me: Person): MessageView {
  return {
    key: item.id,
    message: null,
    item,
    seq: item.seq,
    state: item.state === 'acked' ? 'sent' : item.state === 'failed' ? 'failed' : 'pending',
    own: true,
    continued: false,
    sender: me,
    body: item.body,
    html: null,
    at: item.createdAt,
    edited: false,
    deleted: false,
    reactions: [],
    error: item.error,
  }
}

function continues(before: MessageView | null, view: MessageView): boolean {
  return before !== null && before.sender.id === view.sender.id && Date.parse(view.at) - Date.parse(before.at) < RUN_MS
}

function dayOf(at: string): string {
  return new Date(at).toDateString()
}
