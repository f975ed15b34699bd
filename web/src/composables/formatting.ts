/**
 * Times, names and first letters as people read them.
 */

import type { Conversation, Message, Person } from '@/contract/model'

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const shortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const fullDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

const DAY_MS = 86_400_000

export const formatTime = (at: string) => time.format(new Date(at))
export const formatDate = (at: string) => fullDate.format(new Date(at))
export const formatMoment = (at: string) => moment.format(new Date(at))

/** Today, Yesterday, or the day. */
export function formatDay(at: string, now = new Date()): string {
  const day = new Date(at)
  if (day.toDateString() === now.toDateString()) return 'Today'
  if (day.toDateString() === new Date(now.getTime() - DAY_MS).toDateString()) return 'Yesterday'
  return day.getFullYear() === now.getFullYear() ? weekday.format(day) : fullDate.format(day)
}

/** The time today, else the day. */
export function formatShort(at: string, now = new Date()): string {
  const day = new Date(at)
  return day.toDateString() === now.toDateString() ? time.format(day) : shortDay.format(day)
}

export function personName(person: Person | null | undefined): string {
  return person ? person.display_name || person.username : 'Somebody'
}

/** The title of a group or channel, the other person's name of a direct one. */
export function conversationName(conversation: Conversation): string {
  if (conversation.kind === 'direct') return personName(conversation.peer)
  return conversation.title || (conversation.kind === 'channel' ? 'Untitled channel' : 'Untitled group')
}

/** The newest message in one line. */
export function snippet(message: Message | null, me: string): string {
  if (!message) return 'No messages yet'
  if (message.deleted_at) return 'Message deleted'
  const text = (message.body ?? '').replace(/\s+/g, ' ').trim()
  return message.sender.id === me ? `You: ${text}` : text
}

export function firstLetter(name: string): string {
  return [...name.trim()][0] ?? '?'
}

/** One of eight colours, always the same for one id. */
export function hueOf(id: string): string {
  let sum = 0
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return `hue-${String(sum % 8)}`
}
