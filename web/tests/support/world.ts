/**
 * A conversation as the server would keep it: a log that grows by random deeds, and snapshots computed from scratch, on another
 * road than the reducer's. Ada looks at it; Grace and Linus are the others.
 */

import type { ChatEvent, EventBody } from '@/contract/events'
import type { Conversation, Member, Message, MessagePage, Role } from '@/contract/model'

export const ADA = '018f0000-0000-7000-8000-00000000000a'
export const GRACE = '018f0000-0000-7000-8000-00000000000b'
export const LINUS = '018f0000-0000-7000-8000-00000000000c'
export const ROOM = '018f0000-0000-7000-8000-0000000000ff'

const names: Record<string, string> = { [ADA]: 'ada', [GRACE]: 'grace', [LINUS]: 'linus' }

export type Deed =
  | { do: 'post'; by: string; mention: boolean }
  | { do: 'edit'; pick: number }
  | { do: 'delete'; pick: number }
  | { do: 'react'; pick: number; by: string; remove: boolean }
  | { do: 'pin'; pick: number; remove: boolean }
  | { do: 'member'; who: string; role: Role; kind: 'member.added' | 'member.removed' | 'member.role_changed' }
  | { do: 'title'; title: string }
  | { do: 'novelty' }

export function person(id: string) {
  return { id, username: names[id] ?? id, display_name: (names[id] ?? id).toUpperCase() }
}

export function time(n: number): string {
  return new Date(Date.UTC(2030, 0, 1, 9) + n * 1_000).toISOString().replace('Z', '000Z')
}

export class World {
  readonly events: ChatEvent[] = []
  readonly versions: Message[][] = [[]]
  readonly title: (string | null)[] = ['Engine room']
  readonly members: Map<string, Role>[] = [new Map()]
  readonly readSeqs = [0]

  constructor() {
    this.commit({ kind: 'member.added', data: { user_id: ADA, username: 'ada', role: 'owner' } }, { members: new Map([[ADA, 'owner']]) })
  }

  get head(): number {
    return this.events.length
  }

  perform(deed: Deed): void {
    const messages = this.versions.at(-1) ?? []
    const alive = messages.filter((message) => !message.deleted_at)
    const picked = 'pick' in deed ? alive[deed.pick % Math.max(1, alive.length)] : undefined
    switch (deed.do) {
      case 'post':
        return this.post(deed.by, deed.mention)
      case 'edit':
        return picked && this.rewrite('message.edited', { ...picked, body: `${picked.body ?? ''}!`, edited_at: time(this.head + 1) })
      case 'delete':
        return picked && this.rewrite('message.deleted', tombstone(picked, time(this.head + 1)))
      case 'react':
        return picked && this.react(picked, deed.by, deed.remove)
      case 'pin':
        if (!picked || picked.pinned !== deed.remove) return
        return this.commit(
          { kind: deed.remove ? 'message.unpinned' : 'message.pinned', data: { message_id: picked.id } },
          { messages: replace(messages, { ...picked, pinned: !deed.remove }) },
        )
      case 'member':
        return this.member(deed.kind, deed.who, deed.role)
      case 'title':
        return this.commit({ kind: 'conversation.updated', data: { title: deed.title } }, { title: deed.title })
      case 'novelty':
        return this.commit({ kind: 'unknown', name: 'poll.closed' }, {})
    }
  }

  snapshot(at = this.head): Conversation {
    const messages = this.versions[at] ?? []
    const read = this.readSeqs[at] ?? 0
    const unread = messages.filter((message) => message.sender.id !== ADA && !message.deleted_at && message.seq > read)
    return {
      id: ROOM, kind: 'group', title: this.title[at] ?? null, topic: null, history: 'all', archived: false, created_at: time(0),
      member_count: this.members[at]?.size ?? 0, role: this.members[at]?.get(ADA) ?? null, peer: null, epoch: 'e1', visible_from_seq: 1,
      last_seq: at, read_seq: read, unread_count: unread.length,
      mention_count: unread.filter((message) => message.mentions.includes(ADA)).length, last_message: messages.at(-1) ?? null,
    }
  }

  page(at = this.head, before = Infinity, limit = 50): MessagePage {
    const messages = (this.versions[at] ?? []).filter((message) => message.seq < before)
    return { messages: messages.slice(-limit), has_before: messages.length > limit, has_after: false }
  }

  memberList(at = this.head): Member[] {
    return [...(this.members[at] ?? [])].map(([id, role]) => ({ user: person(id), role, joined_at: null }))
  }

  private post(by: string, mention: boolean): void {
    const seq = this.head + 1
    const message: Message = {
      id: `m${String(seq)}`, conversation: ROOM, seq, client_id: `c${String(seq)}`, sender: person(by), body: `message ${String(seq)}`,
      html: `<p>message ${String(seq)}</p>`, reply_to: null, attachments: [], reactions: [], mentions: mention ? [ADA] : [], pinned: false,
      created_at: time(seq), edited_at: null, deleted_at: null,
    }
    this.commit({ kind: 'message.created', data: message }, { messages: [...(this.versions.at(-1) ?? []), message], ...(by === ADA ? { read: seq } : {}) })
  }

  private rewrite(kind: 'message.edited' | 'message.deleted', message: Message): void {
    this.commit({ kind, data: message }, { messages: replace(this.versions.at(-1) ?? [], message) })
  }

  private react(message: Message, by: string, remove: boolean): void {
    const users = message.reactions[0]?.user_ids ?? []
    if (users.includes(by) !== remove) return
    const after = remove ? users.filter((id) => id !== by) : [...users, by]
    const reactions = after.length ? [{ emoji: '👍', count: after.length, user_ids: after }] : []
    this.commit(
      { kind: remove ? 'reaction.removed' : 'reaction.added', data: { message_id: message.id, emoji: '👍', user_id: by } },
      { messages: replace(this.versions.at(-1) ?? [], { ...message, reactions }) },
    )
  }

  private member(kind: 'member.added' | 'member.removed' | 'member.role_changed', who: string, role: Role): void {
    const members = new Map(this.members.at(-1))
    if ((kind === 'member.added') === members.has(who)) return
    const before = members.get(who) ?? role
    if (kind === 'member.removed') members.delete(who)
    else members.set(who, role)
    this.commit({ kind, data: { user_id: who, username: names[who] ?? who, role: kind === 'member.removed' ? before : role } }, { members })
  }

  private commit(body: EventBody, after: { messages?: Message[]; title?: string; members?: Map<string, Role>; read?: number }): void {
    const seq = this.head + 1
    this.events.push({ conversation: ROOM, seq, at: time(seq), actor: GRACE, ...body })
    this.versions[seq] = after.messages ?? this.versions[seq - 1] ?? []
    this.title[seq] = after.title ?? this.title[seq - 1] ?? null
    this.members[seq] = after.members ?? this.members[seq - 1] ?? new Map()
    this.readSeqs[seq] = after.read ?? this.readSeqs[seq - 1] ?? 0
  }
}

export function tombstone(message: Message, at: string): Message {
  return { ...message, body: null, html: null, attachments: [], reactions: [], mentions: [], deleted_at: at }
}

function replace(messages: Message[], message: Message): Message[] {
  return messages.map((known) => (known.id === message.id ? message : known))
}
