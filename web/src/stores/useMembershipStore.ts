/**
 * What changes who is where: creating, joining, inviting, leaving, roles, titles. Each call's effect also comes back as events; only
 * what events do not bring is taken from the answers.
 */

import { defineStore } from 'pinia'

import * as api from '@/api/conversations'
import type { Conversation, Role } from '@/contract/model'
import { useConversationsStore } from '@/stores/useConversationsStore'
import { useSessionStore } from '@/stores/useSessionStore'

export const useMembershipStore = defineStore('membership', () => {
  const session = useSessionStore()
  const conversations = useConversationsStore()

  async function adopted(call: Promise<Conversation>): Promise<string> {
    const conversation = await call
    conversations.adopt(conversation)
    return conversation.id
  }

  const create = (body: api.NewConversation) => adopted(api.createConversation(body))
  const startDirect = (userId: string) => adopted(api.createConversation({ kind: 'direct', member_ids: [userId] }))
  const join = (id: string) => adopted(api.joinChannel(id))
  const accept = (code: string) => adopted(api.acceptInvite(code))

  async function leave(id: string): Promise<void> {
    await api.removeMember(id, session.me)
    conversations.drop(id)
  }

  async function destroy(id: string): Promise<void> {
    await api.deleteConversation(id)
    conversations.drop(id)
  }

  const rename = (id: string, change: { title?: string; topic?: string }) => api.updateConversation(id, change)
  const add = (id: string, userIds: string[]) => api.addMembers(id, userIds)
  const remove = (id: string, userId: string) => api.removeMember(id, userId)
  const setRole = (id: string, userId: string, role: Role) => api.changeRole(id, userId, role)
  const invite = (id: string) => api.createInvite(id)
  const searchChannels = (words: string) => api.fetchChannels(words)

  return { create, startDirect, join, accept, leave, destroy, rename, add, remove, setRole, invite, searchChannels }
})
