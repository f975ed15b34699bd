/**
 * Who is typing where, and one's own announcements.
 */

import { defineStore } from 'pinia'
import { shallowRef } from 'vue'

import type { ClientFrame, TypingState } from '@/contract/frames'
import { expireTyping, noteTyping, TYPING_EVERY_MS, TYPING_EXPIRES_MS, type Typing } from '@/realtime/typing'

const PASSED_ON_EVERY_MS = 1_000

export const useTypingStore = defineStore('typing', () => {
  const typing = shallowRef<Typing>({})
  const announcedAt = new Map<string, number>()
  /** A gateway passes on one frame a second for each conversation: what follows sooner is kept for the next key. */
  const sentAt = new Map<string, number>()
  let transmit: (frame: ClientFrame) => boolean = () => false

  function connect(value: typeof transmit): void {
    transmit = value
  }

  function note(conversation: string, user: string, active: boolean): void {
    if (!active && !typing.value[conversation]?.[user]) return
    typing.value = noteTyping(typing.value, conversation, user, active, Date.now())
    if (active) setTimeout(expire, TYPING_EXPIRES_MS + 20)
  }

  function expire(): void {
    typing.value = expireTyping(typing.value, Date.now())
  }

  function announce(conversation: string): void {
    const now = Date.now()
    if (now - (announcedAt.get(conversation) ?? 0) < TYPING_EVERY_MS || now - (sentAt.get(conversation) ?? 0) < PASSED_ON_EVERY_MS) return
    if (send(conversation, 'started')) announcedAt.set(conversation, now)
  }

  function announceStop(conversation: string): void {
    if (announcedAt.delete(conversation)) send(conversation, 'stopped')
  }

  /** What was typed is sent: the message ends the line at the others' by itself. */
  function posted(conversation: string): void {
    announcedAt.delete(conversation)
  }

  function send(conversation: string, state: TypingState): boolean {
    sentAt.set(conversation, Date.now())
    return transmit({ type: 'typing', conversation, state })
  }

  function clear(): void {
    typing.value = {}
    announcedAt.clear()
    sentAt.clear()
  }

  return { typing, connect, note, announce, announceStop, posted, clear }
})
