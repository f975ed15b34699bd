/**
 * What is done with messages on screen: writing, editing, deleting, reacting, paging, drafts, and where the unread ones begin.
 */

import { defineStore } from 'pinia'
import { reactive, ref } from 'vue'

import * as api from '@/api/messages'
import type { Message } from '@/contract/model'
import { useConversationsStore } from '@/stores/useConversationsStore'
import { useOutboxStore } from '@/stores/useOutboxStore'
import { useSessionStore } from '@/stores/useSessionStore'
import { useTypingStore } from '@/stores/useTypingStore'

export const useTimelineStore = defineStore('timeline', () => {
  const session = useSessionStore()
  const conversations = useConversationsStore()
  const outbox = useOutboxStore()
  const typing = useTypingStore()
  const drafts = reactive(new Map<string, string>())
  /** After which `seq` the line "New" is drawn. */
  const dividers = reactive(new Map<string, number>())
  const editing = ref<string | null>(null)

  function post(conversation: string, body: string): void {
    outbox.post(conversation, body)
    drafts.delete(conversation)
    dividers.delete(conversation)
    typing.posted(conversation)
  }

  /** Draw the line before what is unread now; one that is drawn stays. */
  function markUnreadStart(id: string): void {
    const log = conversations.get(id)
    if (log && log.conversation.unread_count > 0 && !dividers.has(id)) dividers.set(id, log.conversation.read_seq)
  }

  function closed(id: string): void {
    dividers.delete(id)
    editing.value = null
    typing.announceStop(id)
  }

  /** Change one's own message; the event that follows brings the new text, on this page too. */
  async function edit(message: Message, body: string): Promise<void> {
    if (body !== message.body) await api.editMessage(message.id, body)
    editing.value = null
  }

  /** Begin to edit one's own newest message, if there is one on screen. */
  function editLatest(id: string): boolean {
    const latest = conversations.get(id)?.messages.findLast((message) => message.sender.id === session.me && !message.deleted_at)
    editing.value = latest?.id ?? null
    return latest !== undefined
  }

  const remove = (message: Message) => api.deleteMessage(message.id)

  function clear(): void {
    drafts.clear()
    dividers.clear()
    editing.value = null
  }

  return { drafts, dividers, editing, post, markUnreadStart, closed, edit, editLatest, remove, clear }
})
