/**
 * Calls about conversations, their members, channels and invitations.
 */

import { http } from '@/api/client'
import type { ChannelSummary, Conversation, ConversationKind, Invite, Member, Role } from '@/contract/model'

export interface NewConversation {
  kind: ConversationKind
  title?: string
  topic?: string
  member_ids?: string[]
}

const path = (id: string, rest = '') => `/api/conversations/${encodeURIComponent(id)}/${rest}`

/** This will fetch all one's conversations, page by page. */
export async function fetchConversations(): Promise<Conversation[]> {
  const found: Conversation[] = []
  let cursor: string | null = null
  do {
    const page: { conversations: Conversation[]; next: string | null } = await http.request('GET', '/api/conversations/', { query: { cursor } })
    found.push(...page.conversations)
    cursor = page.next
  } while (cursor)
  return found
}

export function fetchConversation(id: string): Promise<Conversation> {
  return http.request('GET', path(id))
}

/** This will create a conversation, or give back the direct one that exists. */
export function createConversation(body: NewConversation): Promise<Conversation> {
  return http.request('POST', '/api/conversations/', { body })
}

export function updateConversation(id: string, body: { title?: string; topic?: string }): Promise<Conversation> {
  return http.request('PATCH', path(id), { body })
}

export function deleteConversation(id: string): Promise<void> {
  return http.request('DELETE', path(id))
}

export async function fetchChannels(search: string): Promise<ChannelSummary[]> {
  return (await http.request<{ channels: ChannelSummary[] }>('GET', '/api/channels/', { query: { search } })).channels
}

export function joinChannel(id: string): Promise<Conversation> {
  return http.request('POST', path(id, 'join/'))
}

export async function fetchMembers(id: string): Promise<Member[]> {
  const found: Member[] = []
  let cursor: string | null = null
  do {
    const page: { members: Member[]; next?: string | null } = await http.request('GET', path(id, 'members/'), { query: { cursor } })
    found.push(...page.members)
    cursor = page.next ?? null
  } while (cursor)
  return found
}

export function addMembers(id: string, userIds: string[]): Promise<unknown> {
  return http.request('POST', path(id, 'members/'), { body: { user_ids: userIds } })
}

export function changeRole(id: string, userId: string, role: Role): Promise<unknown> {
  return http.request('PATCH', path(id, `members/${encodeURIComponent(userId)}/`), { body: { role } })
}

/** This will remove a member; with one's own id: leave. */
export function removeMember(id: string, userId: string): Promise<void> {
  return http.request('DELETE', path(id, `members/${encodeURIComponent(userId)}/`))
}

export function createInvite(id: string): Promise<Invite> {
  return http.request('POST', path(id, 'invites/'), { body: {} })
}

export function acceptInvite(code: string): Promise<Conversation> {
  return http.request('POST', `/api/invites/${encodeURIComponent(code)}/accept/`)
}
